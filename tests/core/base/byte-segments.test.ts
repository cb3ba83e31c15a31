import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteSegments, SEGMENT_BYTES } from "../../../src/core/base/byte-segments.ts";

const filled = (sizeBytes: number, value: number): Uint8Array =>
  new Uint8Array(sizeBytes).fill(value);

describe("ByteSegments", () => {
  test("holds what was put in, whatever comes and goes around it", () => {
    const step = fc.record({
      sizeBytes: fc.oneof(
        fc.nat(40),
        fc.nat(5000),
        fc.constantFrom(0, 1, SEGMENT_BYTES / 4, SEGMENT_BYTES / 4 + 1, SEGMENT_BYTES + 3),
      ),
      release: fc.nat(),
      releases: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const segments = new ByteSegments();
        const model = new Map<number, number>();
        let liveBytes = 0;
        for (const [i, { sizeBytes, release, releases }] of steps.entries()) {
          const entry = segments.append(filled(sizeBytes, i));
          expect(model.has(entry)).toBe(false);
          model.set(entry, i);
          liveBytes += sizeBytes;
          for (let k = 0; k < releases && model.size > 0; k++) {
            const entries = [...model.keys()];
            const gone = entries[(release + k) % entries.length] ?? 0;
            liveBytes -= segments.length(gone);
            segments.release(gone);
            model.delete(gone);
          }
        }
        expect(segments.count).toBe(model.size);
        expect(segments.liveBytes).toBe(liveBytes);
        for (const [entry, i] of model) {
          const view = segments.view(entry);
          expect(view.length).toBe(segments.length(entry));
          expect(view.byteOffset % 8).toBe(0);
          expect(view.every((byte) => byte === (i & 0xff))).toBe(true);
        }
      }),
    );
  });

  test("gives memory back when most of it is dead", () => {
    const segments = new ByteSegments();
    const entries = Array.from({ length: 40_000 }, (_, i) => segments.append(filled(1000, i)));
    const fullBytes = segments.capacityBytes;
    expect(fullBytes).toBeLessThan(1.1 * 40_000_000);
    for (const [i, entry] of entries.entries()) if (i % 20 !== 0) segments.release(entry);
    expect(segments.liveBytes).toBe(2_000_000);
    expect(segments.capacityBytes).toBeLessThan(4.5 * 2_000_000 + 2 * SEGMENT_BYTES);
    for (const [i, entry] of entries.entries()) {
      if (i % 20 === 0) expect(segments.view(entry)[999]).toBe(i & 0xff);
    }
    for (const [i, entry] of entries.entries()) if (i % 20 === 0) segments.release(entry);
    expect(segments.count).toBe(0);
    expect(segments.capacityBytes).toBeLessThanOrEqual(SEGMENT_BYTES);
  });

  test("a hundred rounds of the same work hold no more than one", () => {
    const segments = new ByteSegments();
    let afterFirstBytes = 0;
    for (let round = 0; round < 100; round++) {
      const entries = Array.from({ length: 3000 }, () => segments.append(filled(700, round)));
      for (const entry of entries) segments.release(entry);
      if (round === 0) afterFirstBytes = segments.capacityBytes;
    }
    expect(segments.capacityBytes).toBeLessThanOrEqual(Math.max(afterFirstBytes, SEGMENT_BYTES));
  });

  test("a view stays as it is when its entry is released", () => {
    const segments = new ByteSegments();
    const entry = segments.append(filled(100, 7));
    const view = segments.view(entry);
    segments.release(entry);
    for (let i = 0; i < 5000; i++) segments.append(filled(1000, 9));
    expect(view).toEqual(filled(100, 7));
  });

  test("refuses to release an entry twice", () => {
    const segments = new ByteSegments();
    const entry = segments.append(filled(1, 1));
    segments.release(entry);
    expect(() => segments.release(entry)).toThrow("released once");
  });
});

test("the beginning of an entry is copied to a place, short or long", () => {
  const segments = new ByteSegments();
  segments.append(Uint8Array.of(9, 9, 9));
  const long = Uint8Array.from({ length: 200 }, (_, i) => i);
  const entries = [segments.append(Uint8Array.of(1, 2, 3)), segments.append(long)];
  const target = new Uint8Array(110);
  segments.copyTo(target, 2, entries[0] ?? 0, 2);
  segments.copyTo(target, 5, entries[1] ?? 0, 100);
  segments.copyTo(target, 0, entries[0] ?? 0, 0);
  expect([...target.subarray(0, 8)]).toEqual([0, 0, 1, 2, 0, 0, 1, 2]);
  expect([...target.subarray(5, 105)]).toEqual([...long.subarray(0, 100)]);
  expect([...target.subarray(105)]).toEqual([0, 0, 0, 0, 0]);
});
