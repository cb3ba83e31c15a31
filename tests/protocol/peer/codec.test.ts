import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATA_TYPE } from "../../../src/core/model/symbols.ts";
import {
  decodeFromHolder,
  decodeFromPuller,
  encodeFromHolder,
  encodeFromPuller,
} from "../../../src/protocol/peer/codec.ts";
import { payloadSizeBytes, type ValueTree } from "../../../src/protocol/peer/value-tree.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { type Frame, FrameReader } from "../../../src/protocol/worker/frame-reader.ts";
import { mutated, mutations } from "../worker/arbitraries.ts";
import { fromHolder, fromPuller, treeOf, type Value } from "./arbitraries.ts";

const onlyFrame = (bytes: Uint8Array): Frame => new FrameReader(2 ** 31).feed(bytes)[0] as Frame;

function decodesOrRefuses(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

describe("roundtrips", () => {
  test("what a puller asks", () => {
    fc.assert(
      fc.property(fromPuller, (message) => {
        const { kind, body } = onlyFrame(encodeFromPuller(message));
        expect(decodeFromPuller(kind, body)).toEqual(message);
      }),
    );
  });

  test("what a holder answers", () => {
    fc.assert(
      fc.property(fromHolder, (message) => {
        const { kind, body } = onlyFrame(encodeFromHolder(message));
        expect(decodeFromHolder(kind, body)).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });
});

describe("hostile bytes", () => {
  test("mutated messages decode or throw a ProtocolError", () => {
    fc.assert(
      fc.property(fromPuller, fromHolder, mutations, (asked, answered, changes) => {
        const ask = onlyFrame(encodeFromPuller(asked));
        const answer = onlyFrame(encodeFromHolder(answered));
        decodesOrRefuses(() => decodeFromPuller(ask.kind, mutated(ask.body, changes)));
        decodesOrRefuses(() => decodeFromHolder(answer.kind, mutated(answer.body, changes)));
      }),
      { numRuns: 3000 },
    );
  });

  const data = (sizeBytes: number): Value => ({
    kind: DATA_TYPE.data,
    sizeBytes,
    items: [],
    offsets: [],
  });
  const array = (items: number[], sizeBytes: number): Value => ({
    kind: DATA_TYPE.array,
    sizeBytes,
    items,
    offsets: [],
  });
  const index = (items: number[], offsets: number[], sizeBytes: number): Value => ({
    kind: DATA_TYPE.index,
    sizeBytes,
    items,
    offsets,
  });
  const decodeTree = (tree: ValueTree): unknown => {
    const payloadBytes = payloadSizeBytes(tree);
    const frame = encodeFromHolder({ kind: "object", requestId: 1, payloadBytes, tree, files: [] });
    const { kind, body } = onlyFrame(frame);
    return decodeFromHolder(kind, body);
  };

  test("a shared value is there once and counts twice in its array", () => {
    const tree = treeOf([data(5), array([0, 0], 10)]);
    expect(decodeTree(tree)).toEqual({
      kind: "object",
      requestId: 1,
      payloadBytes: 5,
      tree,
      files: [],
    });
  });

  test.each([
    ["no value", []],
    ["an item after its array", [array([1], 5), data(5)]],
    ["an array that holds itself", [array([0], 0)]],
    ["an item that is not there", [data(1), array([7], 1)]],
    ["a value that nothing holds", [data(1), data(2)]],
    ["an unknown kind", [{ ...data(1), kind: 3 }]],
    ["raw bytes that hold a value", [data(1), { ...data(1), items: [0] }]],
    ["raw bytes with offsets", [{ ...data(1), offsets: [0] }]],
    ["an array with the wrong size", [data(1), array([0, 0], 1)]],
    ["an index without offsets", [data(1), index([0], [], 1)]],
    ["an index without a base", [index([], [0], 8)]],
    ["an index over an array", [data(1), array([0], 1), index([1], [0], 9)]],
    ["offsets that fall", [data(9), index([0], [5, 4], 25)]],
    ["offsets beyond the base", [data(9), index([0], [0, 10], 25)]],
    ["a negative offset", [data(9), index([0], [-1], 17)]],
    ["a fractional size", [data(0.5)]],
    ["an infinite size", [data(Number.POSITIVE_INFINITY)]],
    ["sizes that add up to too much", [data(2 ** 53 - 1), data(2 ** 53 - 1), array([0, 1], 1)]],
    ["an array that doubles too often", doublings(60)],
  ])("a tree with %s is refused", (_, values) => {
    expect(() => decodeTree(treeOf(values))).toThrow(ProtocolError);
  });

  /** Each array holds the one before twice: 60 rows that say 2^60 bytes. */
  function doublings(count: number): Value[] {
    const values = [data(1)];
    for (let row = 1; row <= count; row++) {
      values.push(array([row - 1, row - 1], 2 ** row));
    }
    return values;
  }

  test("a payload that is not as large as the leaves is refused", () => {
    const tree = treeOf([data(5)]);
    const { kind, body } = onlyFrame(
      encodeFromHolder({ kind: "object", requestId: 1, payloadBytes: 6, tree, files: [] }),
    );
    expect(() => decodeFromHolder(kind, body)).toThrow(/as large as/);
  });

  test("a tree is not pulled from the middle", () => {
    const one = Uint32Array.of(1);
    const requests = {
      requestIds: one,
      tasks: one,
      attempts: one,
      formats: Uint8Array.of(0),
      mayRedirect: Uint8Array.of(0),
    };
    const { kind, body } = onlyFrame(
      encodeFromPuller({ kind: "pull", requests: { ...requests, fromBytes: Float64Array.of(1) } }),
    );
    expect(() => decodeFromPuller(kind, body)).toThrow(/whole/);
  });
});
