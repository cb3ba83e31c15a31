import { describe, expect, test } from "vitest";
import { BUILTIN_SYMBOLS } from "../../../src/core/model/symbols.ts";
import {
  decodeClientRequest,
  encodeSmallRequest,
} from "../../../src/protocol/client/client-request.ts";
import {
  decodeClientResponse,
  encodeClientResponse,
} from "../../../src/protocol/client/client-response.ts";
import { PlanRefusal } from "../../../src/protocol/client/plan-context.ts";
import { decodeRegister, encodeRegister } from "../../../src/protocol/client/register.ts";
import { decodeRunConfig, encodeRunConfig } from "../../../src/protocol/client/run-config.ts";
import { encodeTasksFinished } from "../../../src/protocol/client/task-finished.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import {
  type GoldenFile,
  goldenBodies,
  goldenFiles,
  goldenSymbols,
  readGolden,
  type Values,
} from "./golden.ts";
import {
  namedPlanOf,
  registerOf,
  responseOf,
  runConfigOf,
  smallRequestOf,
} from "./message-values.ts";
import { encodePlanValues, plainOfPlan, plainOfValues, testContext } from "./plan-values.ts";

const accepted = (message: GoldenFile["message"]): readonly GoldenFile[] =>
  goldenFiles(message).filter((entry) => entry.refused === undefined);
const canonical = (message: GoldenFile["message"]): readonly GoldenFile[] =>
  goldenFiles(message).filter((entry) => entry.canonical);

function decodeRequestPlain(body: Uint8Array): unknown {
  const request = decodeClientRequest(body, testContext);
  return request.kind === "plan" ? { ...request, plan: plainOfPlan(request.plan) } : request;
}

function requestPlainOf(values: Values): unknown {
  if (values.type !== "PLAN") return smallRequestOf(values);
  const plan = plainOfValues(values.plan as Values);
  const named = values.named === undefined ? {} : { named: namedPlanOf(values.named as Values) };
  return { kind: "plan", plan, loadCheckpoints: values.load_checkpoints === true, ...named };
}

function encodedBy(encode: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  encode(writer);
  return writer.take();
}

function expectSameBytes(ours: Uint8Array, golden: Uint8Array): void {
  expect(Buffer.from(ours).toString("hex")).toBe(Buffer.from(golden).toString("hex"));
}

test("the golden files number the symbols as we do", () => {
  expect(goldenSymbols).toEqual(BUILTIN_SYMBOLS);
});

describe("frames of Google's runtime are decoded", () => {
  test.each(accepted("Register"))("$file: $about", (entry) => {
    expect(goldenBodies(entry).map(decodeRegister)).toEqual(entry.values.map(registerOf));
  });

  test.each(accepted("ClientRequest"))("$file: $about", (entry) => {
    expect(goldenBodies(entry).map(decodeRequestPlain)).toEqual(entry.values.map(requestPlainOf));
  });

  test.each(accepted("ClientResponse"))("$file: $about", (entry) => {
    expect(goldenBodies(entry).map(decodeClientResponse)).toEqual(entry.values.map(responseOf));
  });

  test.each(accepted("Run"))("$file: $about", (entry) => {
    expect(goldenBodies(entry).map(decodeRunConfig)).toEqual(entry.values.map(runConfigOf));
  });
});

describe("our encoders write the same bytes as Google's runtime", () => {
  test.each(canonical("Register"))("$file: $about", (entry) => {
    const ours = encodedBy((writer) => {
      for (const values of entry.values) encodeRegister(writer, registerOf(values));
    });
    expectSameBytes(ours, readGolden(entry));
  });

  test.each(canonical("ClientRequest"))("$file: $about", (entry) => {
    const ours = encodedBy((writer) => {
      for (const values of entry.values) {
        if (values.type === "PLAN") writer.raw(encodePlanValues(values));
        else encodeSmallRequest(writer, smallRequestOf(values));
      }
    });
    expectSameBytes(ours, readGolden(entry));
  });

  test.each(canonical("ClientResponse"))("$file: $about", (entry) => {
    const ours = encodedBy((writer) => {
      for (const values of entry.values) encodeClientResponse(writer, responseOf(values));
    });
    expectSameBytes(ours, readGolden(entry));
  });

  test.each(canonical("Run"))("$file: $about", (entry) => {
    expectSameBytes(encodeRunConfig(runConfigOf(entry.values[0] ?? {})), readGolden(entry));
  });

  test("a batch of TASK_FINISHED", () => {
    const [entry] = goldenFiles().filter(({ file }) => file === "task-finished-batch.bin");
    if (entry === undefined) throw new Error("the golden batch is missing");
    const ids = Int32Array.from(entry.values, ({ id }) => id as number);
    expectSameBytes(
      encodedBy((writer) => encodeTasksFinished(writer, ids)),
      readGolden(entry),
    );
  });
});

/** What must be said of each file that is refused: the reason, and the task at fault. */
const refusals: Record<string, RegExp> = {
  ids: /ids up to 2147483647, got a plan of 2 tasks from 2147483647 on/,
  "unknown-type": /^task 0 \(row 0 of the plan\): expected a known task type, got symbol 9999/,
  "resource-as-type": /^task 0 .*known task type, got symbol 6/,
  "unknown-plan-symbol": /^task 0 .*known task type, got symbol 1073741824/,
  "forward-input": /^task 5 \(row 0 of the plan\): expected inputs that come before it, got task 6/,
  "own-input": /^task 1 \(row 1 of the plan\): .* got itself/,
  "request-index": /^task 0 .*resource_request_index from -1 to -1, got 0/,
  "request-index-negative": /^task 0 .*got -2/,
  "negative-amount": /^resource request 0: expected an amount >= 0, got -1/,
  "resource-twice": /^resource request 0: .*got 6 twice/,
  "type-as-resource": /^resource request 0: expected the symbol of a resource, got 7/,
};

describe("what may not run is refused and says why", () => {
  const refused = goldenFiles("ClientRequest").filter((entry) => entry.refused !== undefined);

  test.each(refused)("$file: $about", (entry) => {
    const decode = (): unknown => goldenBodies(entry).map(decodeRequestPlain);
    expect(decode).toThrow(PlanRefusal);
    expect(decode).toThrow(refusals[entry.refused ?? ""] ?? /no expectation in this test/);
  });

  test("another version of the protocol", () => {
    const [entry] = goldenFiles("Register").filter(({ refused: why }) => why === "version");
    if (entry === undefined) throw new Error("the golden file is missing");
    const decode = (): unknown => goldenBodies(entry).map(decodeRegister);
    expect(decode).toThrow(ProtocolError);
    expect(decode).toThrow(/version 2 of the client protocol, got version 3/);
  });
});
