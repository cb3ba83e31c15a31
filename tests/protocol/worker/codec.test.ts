import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AssignedTasks } from "../../../src/core/model/batches.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import {
  decodeFromWorker,
  decodeToWorker,
  encodeFromWorker,
  encodeToWorker,
} from "../../../src/protocol/worker/codec.ts";
import { encodeFrame } from "../../../src/protocol/worker/columns-codec.ts";
import { type Frame, FrameReader } from "../../../src/protocol/worker/frame-reader.ts";
import { assignedTasks, fromWorker, mutated, mutations, toWorker } from "./arbitraries.ts";

function onlyFrame(bytes: Uint8Array): Frame {
  const frames = new FrameReader(2 ** 31).feed(bytes);
  expect(frames).toHaveLength(1);
  return frames[0] as Frame;
}

/** Runs `decode`; only ProtocolError may come out of it. */
function decodesOrRefuses(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

describe("roundtrips", () => {
  test("messages to a worker", () => {
    fc.assert(
      fc.property(toWorker, (message) => {
        const { kind, body } = onlyFrame(encodeToWorker(message));
        expect(decodeToWorker(kind, body)).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  test("messages from a worker", () => {
    fc.assert(
      fc.property(fromWorker, (message) => {
        const { kind, body } = onlyFrame(encodeFromWorker(message));
        expect(decodeFromWorker(kind, body)).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  test("what is decoded does not change with the bytes that it came from", () => {
    const message = {
      kind: "cancel" as const,
      refs: { tasks: Uint32Array.of(1, 2), attempts: Uint32Array.of(3, 4) },
    };
    const { kind, body } = onlyFrame(encodeToWorker(message));
    const decoded = decodeToWorker(kind, body);
    body.fill(0);
    expect(decoded).toEqual(message);
  });
});

describe("broken messages are refused as such", () => {
  test("a kind that nobody knows, or of the other direction", () => {
    expect(() => decodeToWorker(99, new Uint8Array(0))).toThrow(ProtocolError);
    const { kind, body } = onlyFrame(encodeFromWorker({ kind: "heartbeat", sequence: 1 }));
    expect(() => decodeToWorker(kind, body)).toThrow(ProtocolError);
  });

  test("mutated bodies decode or throw a ProtocolError", () => {
    fc.assert(
      fc.property(toWorker, fromWorker, mutations, (to, from, changes) => {
        const toFrame = onlyFrame(encodeToWorker(to));
        const fromFrame = onlyFrame(encodeFromWorker(from));
        decodesOrRefuses(() => decodeToWorker(toFrame.kind, mutated(toFrame.body, changes)));
        decodesOrRefuses(() => decodeFromWorker(fromFrame.kind, mutated(fromFrame.body, changes)));
      }),
      { numRuns: 3000 },
    );
  });

  test("every truncation of a message is refused", () => {
    fc.assert(
      fc.property(toWorker, fc.double({ min: 0, max: 1, noNaN: true }), (message, fraction) => {
        const { kind, body } = onlyFrame(encodeToWorker(message));
        fc.pre(body.length > 0);
        const cut = Math.floor(fraction * (body.length - 1));
        expect(() => decodeToWorker(kind, body.subarray(0, cut))).toThrow(ProtocolError);
      }),
    );
  });

  test("random bodies of every kind", () => {
    fc.assert(
      fc.property(fc.nat(64), fc.uint8Array({ maxLength: 200 }), (kind, body) => {
        decodesOrRefuses(() => decodeToWorker(kind, body));
        decodesOrRefuses(() => decodeFromWorker(kind, body));
      }),
      { numRuns: 1000 },
    );
  });

  const valid: AssignedTasks = {
    ...(fc.sample(assignedTasks, { seed: 1, numRuns: 1 })[0] as AssignedTasks),
    tasks: Uint32Array.of(1),
    attempts: Uint32Array.of(1),
    taskTypes: Uint16Array.of(8),
    flags: Uint8Array.of(0),
    clientTasks: Int32Array.of(0),
    priorities: Int32Array.of(0),
    requests: Uint16Array.of(0),
    requestStarts: Uint32Array.of(0, 1),
    requestResources: Uint32Array.of(6),
    requestAmounts: Uint32Array.of(1),
    inputStarts: Uint32Array.of(0, 1),
    inputTasks: Uint32Array.of(0),
    inputAttempts: Uint32Array.of(1),
    inputSizesBytes: Float64Array.of(10),
    inputHolders: Uint32Array.of(0),
    detailStarts: Uint32Array.of(0, 2),
    checkpointLengths: Uint32Array.of(2),
    details: Uint8Array.of(47, 97),
  };
  test.each<[string, Partial<AssignedTasks>]>([
    ["a column that is too short", { flags: new Uint8Array(0) }],
    ["a request row that is not there", { requests: Uint16Array.of(1) }],
    ["an amount of 0", { requestAmounts: Uint32Array.of(0) }],
    ["a request table without a start", { requestStarts: new Uint32Array(0) }],
    [
      "a resource named twice",
      {
        requestStarts: Uint32Array.of(0, 2),
        requestResources: Uint32Array.of(6, 6),
        requestAmounts: Uint32Array.of(1, 1),
      },
    ],
    ["inputs beyond their column", { inputStarts: Uint32Array.of(0, 2) }],
    ["inputs that do not start at 0", { inputStarts: Uint32Array.of(1, 1) }],
    ["a negative size", { inputSizesBytes: Float64Array.of(-1) }],
    ["a size that is not a number", { inputSizesBytes: Float64Array.of(Number.NaN) }],
    ["a checkpoint path longer than the details", { checkpointLengths: Uint32Array.of(3) }],
    ["details that are not covered", { detailStarts: Uint32Array.of(0, 1) }],
  ])("an assignment with %s", (_, change) => {
    const good = onlyFrame(encodeToWorker({ kind: "assign", batch: valid }));
    expect(decodeToWorker(good.kind, good.body)).toEqual({ kind: "assign", batch: valid });
    const bad = onlyFrame(encodeToWorker({ kind: "assign", batch: { ...valid, ...change } }));
    expect(() => decodeToWorker(bad.kind, bad.body)).toThrow(ProtocolError);
  });

  test("a column that claims four billion elements allocates nothing", () => {
    const body = new Uint8Array(16).fill(0xff, 0, 4);
    new DataView(body.buffer).setUint32(4, 4, true);
    expect(() => decodeToWorker(4, body)).toThrow(/ends beyond/);
  });

  test("a message above its limit is not sent", () => {
    expect(() => encodeFrame(1, [new Uint8Array(100)], 64)).toThrow(ProtocolError);
  });
});
