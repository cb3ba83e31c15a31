import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createValueSink } from "../../src/client/results/value-sink.ts";
import { ResponseReader } from "../../src/client/session/response-reader.ts";
import { BUILTIN_SYMBOLS, DATA_TYPE } from "../../src/core/model/symbols.ts";
import {
  type ClientResponse,
  encodeClientResponse,
} from "../../src/protocol/client/client-response.ts";
import { encodeFrameHeader } from "../../src/protocol/client/frame.ts";
import { ProtocolError } from "../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";
import { carriedTexts } from "../core/scheduler/fake-cluster.ts";
import { arrayFrames } from "./support/payload.ts";

function encode(response: ClientResponse): Uint8Array {
  const writer = new ByteWriter();
  encodeClientResponse(writer, response);
  return writer.take();
}

/** All that a reader says about these chunks, as text, and its error if it throws one. */
function read(chunks: readonly Uint8Array[]): { events: string[]; error: unknown } {
  const events: string[] = [];
  const reader = new ResponseReader({
    onResultsFinished: ({ ids, carried }) => {
      events.push(...Array.from(ids, (id) => `finished ${id}`));
      // Their positions depend on what else came at once.
      for (const [i, position] of (carried?.positions ?? new Uint32Array(0)).entries()) {
        const bytes = carried?.bytes.subarray(carried.starts[i], carried.starts[i + 1]);
        events.push(`carried ${ids[position]} ${inspect(bytes, { depth: 9 })}`);
      }
    },
    onData: (id, dataType, frameCount) => {
      const sink = createValueSink({
        nameOf: (symbol) => BUILTIN_SYMBOLS[symbol],
        onValue: (value) => void events.push(`value ${id} ${inspect(value, { depth: 9 })}`),
        onError: (error) => void events.push(`error ${error.message}`),
      });
      sink.begin(BUILTIN_SYMBOLS[dataType] ?? "unknown", frameCount);
      return sink;
    },
    onDataEnd: (id) => void events.push(`end ${id}`),
    // One that lies across two chunks comes by itself.
    onResponse: (response) =>
      void events.push(
        response.kind === "taskFinished" ? `finished ${response.id}` : JSON.stringify(response),
      ),
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

const frames = arrayFrames([Buffer.from("abc"), [Buffer.alloc(0), Buffer.from("d")]]);
const conversation = Buffer.concat([
  encode({ kind: "dictionary", symbols: ["a", "b"] }),
  encode({ kind: "taskFinished", id: 1 }),
  encode({ kind: "taskFinished", id: -1 }),
  encode({ kind: "data", id: 1, dataType: DATA_TYPE.array, frameCount: frames.length }),
  ...frames.flatMap((frame) => [encodeFrameHeader(frame.length), frame]),
  encode({ kind: "taskFinished", id: 300 }),
  encode({ kind: "resultsFinished", ids: Int32Array.of(7, 9), carried: carriedTexts(["seven"]) }),
  encode({ kind: "taskFailed", error: { id: 2, message: "no", stderr: Buffer.from("x") } }),
  encode({ kind: "stats", workerCount: 1, dataObjectCount: 2 }),
]);

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
}

test("says the same however the bytes are cut", () => {
  const whole = read([conversation]);
  expect(whole.error).toBeUndefined();
  expect(whole.events).toHaveLength(11);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (sizes) => {
      expect(read(cut(conversation, sizes))).toEqual(whole);
    }),
  );
});

test("broken bytes end in a ProtocolError or in silence", () => {
  const change = fc.record({ at: fc.nat({ max: conversation.length - 1 }), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      const bytes = Buffer.from(conversation);
      for (const { at, byte } of changes) bytes[at] = byte;
      const { error } = read([bytes]);
      expect(error === undefined || error instanceof ProtocolError).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
