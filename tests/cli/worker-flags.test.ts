import { describe, expect, test } from "vitest";
import { CliError } from "../../src/cli/cli-error.ts";
import { parseWorkerFlags } from "../../src/cli/worker/worker-flags.ts";

const parse = (...args: string[]) => parseWorkerFlags([...args, "localhost", "9010"]);

describe("--runner-memory", () => {
  test.each([
    ["2G", 2 * 1024 ** 3],
    ["1.5GiB", 1.5 * 1024 ** 3],
    ["512m", 512 * 1024 ** 2],
    ["300MB", 300 * 1024 ** 2],
    ["200000000", 200_000_000],
  ])("reads %s", (text, bytes) => {
    expect(parse("--runner-memory", text).runnerMemoryBytes).toBe(bytes);
  });

  test.each(["", "much", "1.5.2G", "-1G", "100M", "2 G", "9999999T"])("refuses '%s'", (text) => {
    expect(() => parse(`--runner-memory=${text}`)).toThrow(CliError);
  });

  test("is left to the worker", () => {
    expect(parse().runnerMemoryBytes).toBeUndefined();
  });
});
