import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLeafType } from "../../../src/core/model/symbols.ts";
import { encodeFromHolder } from "../../../src/protocol/peer/codec.ts";
import type { FromHolder } from "../../../src/protocol/peer/messages.ts";
import { createPeerReader } from "../../../src/protocol/peer/peer-reader.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { cutAt, fractions, joined, mutated, mutations } from "../worker/arbitraries.ts";
import { fromHolder } from "./arbitraries.ts";

/** Payload bytes that tell from which place they are. */
const payloadOf = (sizeBytes: number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7 + sizeBytes) % 251);

const payloadBytesOf = (message: FromHolder): number =>
  "payloadBytes" in message ? message.payloadBytes : 0;

type Answer = { message: FromHolder; leaves: Map<number, number[]>; ended: boolean };

/** What the reader makes of the chunks: each message with the bytes of its leaves. */
function read(chunks: readonly Uint8Array[]): { answers: Answer[]; atBoundary: boolean } {
  const answers: Answer[] = [];
  const reader = createPeerReader({
    onMessage: (message) => answers.push({ message, leaves: new Map(), ended: false }),
    onPayload: (bytes, { row, offsetBytes }) => {
      const leaves = answers.at(-1)?.leaves;
      const leaf = leaves?.get(row) ?? [];
      expect(leaf).toHaveLength(offsetBytes);
      expect(bytes.length).toBeGreaterThan(0);
      leaves?.set(row, [...leaf, ...bytes]);
    },
    onObjectEnd: () => {
      const last = answers.at(-1) as Answer;
      expect(last.ended).toBe(false);
      last.ended = true;
    },
  });
  for (const chunk of chunks) reader.feed(chunk);
  return { answers, atBoundary: reader.atBoundary };
}

/** The same without a reader: the payload cut by the sizes of the leaves. */
function expectedLeaves(message: FromHolder): Map<number, number[]> {
  const payload = [...payloadOf(payloadBytesOf(message))];
  if (message.kind === "object-frames") return new Map(payload.length > 0 ? [[0, payload]] : []);
  const leaves = new Map<number, number[]>();
  if (message.kind !== "object") return leaves;
  let offset = 0;
  message.tree.kinds.forEach((kind, row) => {
    const isSent = isLeafType(kind) && !message.files.some((file) => file.row === row);
    const end = offset + (isSent ? (message.tree.sizesBytes[row] ?? 0) : 0);
    if (end > offset) leaves.set(row, payload.slice(offset, end));
    offset = end;
  });
  return leaves;
}

const streamOf = (messages: readonly FromHolder[]): Uint8Array =>
  joined(
    messages.flatMap((message) => [encodeFromHolder(message), payloadOf(payloadBytesOf(message))]),
  );

describe("createPeerReader", () => {
  test("gives messages and payloads in order however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fromHolder, { maxLength: 5 }), fractions, (messages, cuts) => {
        const { answers, atBoundary } = read(cutAt(streamOf(messages), cuts));
        expect(atBoundary).toBe(true);
        expect(answers).toEqual(
          messages.map((message) => ({
            message,
            leaves: expectedLeaves(message),
            ended: "payloadBytes" in message,
          })),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("byte by byte", () => {
    fc.assert(
      fc.property(fc.array(fromHolder, { maxLength: 3 }), (messages) => {
        const stream = streamOf(messages);
        expect(read([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(read([stream]));
      }),
      { numRuns: 30 },
    );
  });

  test("a stream that ends within a payload is not at a boundary", () => {
    const stream = streamOf([
      { kind: "object-frames", requestId: 1, payloadBytes: 9, typeId: 16, messageCount: 1 },
    ]);
    expect(read([stream.subarray(0, -1)]).atBoundary).toBe(false);
    expect(read([stream.subarray(0, -9)]).atBoundary).toBe(false);
  });

  test("a broken stream throws a ProtocolError and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(fromHolder, { minLength: 1, maxLength: 4 }),
        fractions,
        mutations,
        (messages, cuts, changes) => {
          const reader = createPeerReader({
            onMessage: () => undefined,
            onPayload: () => undefined,
            onObjectEnd: () => undefined,
          });
          try {
            for (const chunk of cutAt(mutated(streamOf(messages), changes), cuts)) {
              reader.feed(chunk);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
