import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeClientResponse } from "../../../src/protocol/client/client-response.ts";
import { PAYLOAD_FRAME } from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";
import {
  encodeResultsFinished,
  type ResultsFinished,
} from "../../../src/protocol/client/results-finished.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { carriedResults } from "../worker/arbitraries.ts";

const results: fc.Arbitrary<ResultsFinished> = fc
  .array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 9 })
  .chain((ids) =>
    carriedResults(ids.length).map((carried) => ({ ids: Int32Array.from(ids), carried })),
  );

/** Id, type, frame count and bytes of each result, in order. */
function listOf({ ids, carried }: ResultsFinished): unknown[] {
  const entries = new Map(Array.from(carried?.positions ?? [], (position, k) => [position, k]));
  return Array.from(ids, (id, position) => {
    const k = entries.get(position);
    if (k === undefined || carried === undefined) return [id];
    const bytes = carried.bytes.subarray(carried.starts[k], carried.starts[k + 1]);
    return [id, carried.dataTypes[k], carried.frameCounts[k], [...bytes]];
  });
}

function framesOf(
  finished: ResultsFinished,
  limits?: { readonly tasks: number; readonly resultBytes: number },
): Uint8Array[] {
  const writer = new ByteWriter();
  encodeResultsFinished(writer, finished, limits);
  const splitter = new FrameSplitter(PAYLOAD_FRAME);
  splitter.push(writer.take());
  const frames: Uint8Array[] = [];
  for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
    frames.push(frame);
  }
  return frames;
}

function decode(frame: Uint8Array): ResultsFinished {
  const response = decodeClientResponse(frame);
  if (response.kind !== "resultsFinished") throw new Error(`decoded ${response.kind}`);
  return response;
}

test("what was written is read, in as many messages as the limits ask for", () => {
  const limits = fc.record({ tasks: fc.integer({ min: 1, max: 4 }), resultBytes: fc.nat(20) });
  fc.assert(
    fc.property(results, limits, (finished, some) => {
      expect(framesOf(finished)).toHaveLength(1);
      expect(framesOf(finished).map(decode).flatMap(listOf)).toEqual(listOf(finished));
      const frames = framesOf(finished, some).map(decode);
      expect(frames.flatMap(listOf)).toEqual(listOf(finished));
      for (const { ids, carried } of frames) {
        expect(ids.length).toBeLessThanOrEqual(some.tasks);
        const { positions = [], bytes = [] } = carried ?? {};
        if (positions.length > 1) expect(bytes.length).toBeLessThanOrEqual(some.resultBytes);
      }
    }),
  );
});

test("broken bytes end in a ProtocolError or in something that is sound", () => {
  const changes = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1 });
  fc.assert(
    fc.property(results, changes, (finished, all) => {
      const [frame = new Uint8Array(0)] = framesOf(finished);
      const broken = frame.slice();
      for (const { at, byte } of all) broken[at % broken.length] = byte;
      try {
        const response = decodeClientResponse(broken);
        if (response.kind === "resultsFinished") listOf(response);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 300 },
  );
});

test("columns that do not belong together are refused", () => {
  // Type 70, then a message: one id and one position, and no types.
  const columns = [0x0a, 4, 1, 0, 0, 0, 0x12, 4, 0, 0, 0, 0];
  const frame = Uint8Array.of(0x08, 70, 0xb2, 0x04, columns.length, ...columns);
  expect(() => decodeClientResponse(frame)).toThrow(/differ in length/);
});
