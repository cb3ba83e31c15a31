import { expect, test } from "vitest";
import { createRandom } from "../../src/core/base/random.ts";
import { CLIENT_TARGETS } from "./client-targets.ts";
import { JOURNAL_TARGETS } from "./journal-targets.ts";
import { LOCAL_TARGETS } from "./local-targets.ts";
import { mutate, mutateJson } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";
import { WORKER_TARGETS } from "./worker-targets.ts";

/*
 * Right messages with one to three mutations each, for every decoder: it gives something that it can
 * encode again, or refuses in the documented way; it allocates in proportion to what came, and ends.
 * `HYPERLOOM_FUZZ=TARGET:CASE` runs one case; `HYPERLOOM_FUZZ_CASES` sets how many all have together.
 */

const TARGETS = [...CLIENT_TARGETS, ...WORKER_TARGETS, ...JOURNAL_TARGETS, ...LOCAL_TARGETS];
/** Beside those of Python's decoders. */
const CASES = Number(process.env["HYPERLOOM_FUZZ_CASES"] ?? 100_000);
const SHARES = TARGETS.reduce((sum, { share }) => sum + share, 0);
const ONE = process.env["HYPERLOOM_FUZZ"]?.split(":");

/** What a decoder may allocate beside what its objects take: so much, and so many times the message. */
const FREE_BYTES = 2 << 20;
const BYTES_PER_BYTE = 64;
/** Far beyond what any case takes on a busy machine. */
const CASE_MS_MAX = 20_000;

function inputOf({ samples, isJson = false }: FuzzTarget, number: number): Uint8Array {
  const random = createRandom(number * 2_654_435_761);
  const sample = samples[random.below(samples.length)] as Uint8Array;
  if (!isJson || random.unit() < 0.3) return mutate(sample, random, samples);
  return new TextEncoder().encode(mutateJson(new TextDecoder().decode(sample), random));
}

/** True where the decoder took the bytes. Throws what it must not throw. */
function runCase(target: FuzzTarget, bytes: Uint8Array): boolean {
  const before = process.memoryUsage().arrayBuffers;
  const startedMs = performance.now();
  const decoded = decodeOrRefuse(target, bytes);
  const allocated = process.memoryUsage().arrayBuffers - before;
  const mayAllocate = target.expandsToBytes ?? FREE_BYTES + BYTES_PER_BYTE * bytes.length;
  if (allocated > mayAllocate) {
    throw new Error(`${allocated} bytes were allocated for a message of ${bytes.length}`);
  }
  const tookMs = performance.now() - startedMs;
  if (tookMs > CASE_MS_MAX) throw new Error(`it took ${tookMs} ms`);
  if (decoded === undefined || decoded.value === undefined || target.encode === undefined) {
    return decoded !== undefined;
  }
  const encoded = target.encode(decoded.value as never);
  const again = target.encode(target.decode(encoded) as never);
  if (Buffer.compare(encoded, again) !== 0) {
    const hex = [encoded, again].map((each) => Buffer.from(each).toString("hex").slice(0, 800));
    throw new Error(`it becomes another message by encoding and decoding it:\n${hex.join("\n")}`);
  }
  return true;
}

/** Undefined where the decoder refused in the documented way. */
function decodeOrRefuse(target: FuzzTarget, bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: target.decode(bytes) };
  } catch (error) {
    if (target.isRefusal?.(error) !== true) throw error;
    // It is sent to the peer, or printed.
    const { message } = error as Error;
    if (message.length > 2_000) throw new Error(`a refusal of ${message.length} characters`);
    return undefined;
  }
}

const chosen = TARGETS.filter(({ name }) => ONE === undefined || ONE[0] === name);

test.each(chosen.map((target) => [target.name, target] as const))(
  "%s decodes or refuses what it is given",
  { timeout: 300_000 },
  (name, target) => {
    expect(target.samples.length).toBeGreaterThan(0);
    const count = Math.ceil((CASES * target.share) / SHARES);
    const first = Number(ONE?.[1] ?? 0);
    const end = ONE?.[1] === undefined ? count : first + 1;
    let taken = 0;
    for (let number = first; number < end; number += 1) {
      const bytes = inputOf(target, number);
      try {
        if (runCase(target, bytes)) taken += 1;
      } catch (error) {
        const hex = Buffer.from(bytes.subarray(0, 400)).toString("hex");
        throw new Error(
          `${name}: ${(error as Error).message}\n${hex}\n` +
            `To see it again: HYPERLOOM_FUZZ=${name}:${number} npx vitest run tests/fuzz`,
          { cause: error },
        );
      }
    }
    if (ONE !== undefined) return;
    // Cases that are all refused, or all taken, would test nothing.
    expect(taken).toBeGreaterThan(count / 200);
    if (target.isRefusal !== undefined) expect(taken).toBeLessThan(count);
  },
);
