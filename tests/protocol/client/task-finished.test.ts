import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeClientResponse,
  encodeClientResponse,
} from "../../../src/protocol/client/client-response.ts";
import { RESPONSE_FRAME } from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";
import {
  encodeTasksFinished,
  FinishedIds,
  scanTasksFinished,
} from "../../../src/protocol/client/task-finished.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** Reads all responses as a client does: batches where they are, else one by one. */
function readAll(chunks: readonly Uint8Array[]): (number | string)[] {
  const splitter = new FrameSplitter(RESPONSE_FRAME);
  const finished = new FinishedIds();
  const seen: (number | string)[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk);
    for (;;) {
      splitter.scan((bytes, start, end) => scanTasksFinished(bytes, start, end, finished));
      seen.push(...finished.take());
      const frame = splitter.next();
      if (frame === undefined) break;
      const response = decodeClientResponse(frame);
      seen.push(response.kind === "taskFinished" ? response.id : response.kind);
    }
  }
  return seen;
}

test("ids arrive in order, however the stream is cut and whatever is between them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.array(int32), fc.constant("stats" as const))),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (parts, sizes) => {
        const writer = new ByteWriter(1);
        for (const part of parts) {
          if (part === "stats") {
            encodeClientResponse(writer, { kind: "stats", workerCount: 1, dataObjectCount: 2 });
          } else encodeTasksFinished(writer, Int32Array.from(part));
        }
        const bytes = writer.take();
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + (sizes[i % sizes.length] ?? 1);
          chunks.push(bytes.subarray(at, end));
          at = end;
        }
        expect(readAll(chunks)).toEqual(parts.flat());
      },
    ),
  );
});

test("a frame in another shape is left to the general decoder", () => {
  const scan = (...bytes: number[]): number =>
    scanTasksFinished(Uint8Array.from(bytes), 0, bytes.length, new FinishedIds());
  expect(scan(4, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0x38, 5)).toBe(12);
  expect(scan(4, 0, 0, 0, 0, 0, 0, 1, 8, 2, 0x38, 5)).toBe(0);
  expect(scan(4, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0x38, 5)).toBe(0);
  expect(scan(5, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0x38, 5, 0x38)).toBe(0);
  expect(scan(4, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0x38, 0x85, 1)).toBe(0);
});
