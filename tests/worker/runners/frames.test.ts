import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, encodeFrame } from "../../../src/worker/runners/frames.ts";

test("frames survive, however they are cut", () => {
  const frame = fc.tuple(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 40 })), (frames, cuts) => {
      const bytes = Buffer.concat(
        frames.map(([message, payload]) => encodeFrame(message, payload)),
      );
      const read: unknown[] = [];
      const feed = createFrameReader((message, payload) => read.push([message, [...payload]]));
      let start = 0;
      for (let i = 0; start < bytes.length; i++) {
        const end = start + (cuts[i % cuts.length] ?? bytes.length);
        feed(bytes.subarray(start, end));
        start = end;
      }
      const sent = frames.map(([message, payload]) => [
        JSON.parse(JSON.stringify(message)),
        [...Buffer.concat(payload)],
      ]);
      expect(read).toEqual(sent);
    }),
  );
});

test("what is no frame is refused", () => {
  const feed = (bytes: readonly number[]): void =>
    createFrameReader(() => {})(Uint8Array.from(bytes));
  expect(() => feed([255, 255, 255, 255, 0, 0, 0, 0])).toThrow(RangeError);
  expect(() => feed([1, 0, 0, 0, 0, 0, 0, 0, 0x7b])).toThrow(SyntaxError);
  expect(() => feed([1, 0, 0, 0, 0, 0, 0, 0, 0xff])).toThrow(TypeError);
});
