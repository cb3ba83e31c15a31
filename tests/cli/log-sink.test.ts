import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createLogSink, formatLogLine } from "../../src/cli/log-sink.ts";

const AT = new Date(Date.UTC(2024, 0, 2, 3, 4, 5, 6));

test("a line has time, level, sentence and fields, and quotes what would be ambiguous", () => {
  const fields = {
    workerId: 7,
    name: "a:9000",
    reason: 'said "no"\nand left',
    formula: "a=b",
    empty: "",
    isLost: true,
    absent: undefined,
  };
  expect(formatLogLine(AT, "warning", "Worker lost", fields)).toBe(
    "2024-01-02T03:04:05.006Z WARNING Worker lost workerId=7 name=a:9000 " +
      'reason="said \\"no\\"\\nand left" formula="a=b" empty="" isLost=true\n',
  );
});

test("debug lines are written only when asked for", () => {
  for (const [isDebug, count] of [
    [false, 1],
    [true, 2],
  ] as const) {
    const stream = new PassThrough({ encoding: "utf8" });
    const log = createLogSink(isDebug, stream);
    log("debug", "Detail");
    log("info", "Fact");
    expect(String(stream.read()).trim().split("\n")).toHaveLength(count);
  }
});

test("a reader that went away is not an error", () => {
  const stream = new PassThrough();
  const log = createLogSink(false, stream);
  expect(() => stream.emit("error", new Error("EPIPE"))).not.toThrow();
  log("info", "Goes on");
});
