import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeClientRequest } from "../../../src/protocol/client/client-request.ts";
import { decodeClientResponse } from "../../../src/protocol/client/client-response.ts";
import { decodeRegister } from "../../../src/protocol/client/register.ts";
import { decodeRunConfig } from "../../../src/protocol/client/run-config.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { type GoldenFile, goldenBodies, goldenFiles } from "./golden.ts";
import { plainOfPlan, testContext } from "./plan-values.ts";

const decoders: Record<GoldenFile["message"], (body: Uint8Array) => unknown> = {
  Register: decodeRegister,
  ClientRequest(body) {
    const request = decodeClientRequest(body, testContext);
    // What was accepted must hold together: its ranges and rows are followed here.
    return request.kind === "plan" ? plainOfPlan(request.plan) : request;
  },
  ClientResponse: decodeClientResponse,
  Run: decodeRunConfig,
};

type Edit = {
  kind: "put" | "insert" | "remove" | "cut" | "double";
  place: number;
  byte: number;
};

/** Each is a place, as a part of the length, and a byte to put, insert or remove there. */
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom<Edit["kind"][]>("put", "insert", "remove", "cut", "double"),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xff, 0x12)),
});

function mutate(body: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let bytes = Buffer.from(body);
  for (const { kind, place, byte } of edits) {
    const at = Math.floor(place * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (kind === "put") bytes = Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
    else if (kind === "insert") bytes = Buffer.concat([before, Buffer.of(byte), after]);
    else if (kind === "remove") bytes = Buffer.concat([before, after.subarray(1)]);
    else if (kind === "cut") bytes = Buffer.from(before);
    else bytes = Buffer.concat([before, after, after]);
  }
  return new Uint8Array(bytes);
}

test.each(Object.keys(decoders) as GoldenFile["message"][])(
  "a mutated %s is decoded or refused with a ProtocolError",
  (message) => {
    const bodies = goldenFiles(message).flatMap(goldenBodies);
    const outcomes = { decoded: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (body, edits) => {
          try {
            decoders[message](mutate(body.subarray(0, 20_000), edits));
            outcomes.decoded++;
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            expect(error.message.length).toBeLessThan(500);
            outcomes.refused++;
          }
        },
      ),
      { numRuns: 3000 },
    );
    // Mutations that all fail at the first byte, or never fail, would test nothing.
    expect(outcomes.decoded).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  },
);

test("bytes out of nowhere are decoded or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      for (const decode of Object.values(decoders)) {
        try {
          decode(body);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
