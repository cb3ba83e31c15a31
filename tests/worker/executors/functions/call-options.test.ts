import { expect, test } from "vitest";
import { readCallOptions } from "../../../../src/worker/executors/functions/call-options.ts";

const withOptions = (json: string, size = Buffer.byteLength(json)): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  return Buffer.concat([
    Buffer.from("pickle."),
    Buffer.from(json),
    length,
    Buffer.from("LOOMOPTS"),
  ]);
};

test("options behind a pickle are read", () => {
  expect(readCallOptions(withOptions('{"time_limit_ms": 1500}'))).toEqual({ timeLimitMs: 1500 });
  expect(readCallOptions(withOptions('{"python": "3.9"}'))).toEqual({ timeLimitMs: undefined });
});

test("a config without them has none", () => {
  for (const config of ["", "pickle.", "LOOMOPTS"]) {
    expect(readCallOptions(Buffer.from(config))).toEqual({ timeLimitMs: undefined });
  }
});

test("what makes no sense fails the task", () => {
  const broken = [
    withOptions("{}", 1000),
    withOptions("no json"),
    withOptions("null"),
    withOptions('{"time_limit_ms": 0}'),
    withOptions('{"time_limit_ms": "1"}'),
  ];
  for (const config of broken) {
    expect(() => readCallOptions(config)).toThrow("The call's options cannot be read");
  }
});
