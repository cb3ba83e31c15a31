import { expect, test } from "vitest";
import { crashFailure } from "../../../../src/worker/runners/pool/crash-story.ts";
import type { RunnerLanguage } from "../../../../src/worker/runners/runner-call.ts";
import type { RunnerEnd } from "../../../../src/worker/runners/runner-process.ts";

const LANGUAGE: RunnerLanguage = {
  name: "Test",
  command: () => Promise.reject(new Error("it is not started")),
  outOfMemoryMark: "heap out of memory",
};
const NOTHING: RunnerEnd = {
  exitCode: undefined,
  signal: undefined,
  stderr: "",
  reason: undefined,
};

test.each<[Partial<RunnerEnd>, RegExp]>([
  [{ exitCode: 3 }, /^The Test process that ran the function exited with status 3/],
  [{ signal: "SIGSEGV", stderr: "oh no" }, /was ended by SIGSEGV\nStderr:\noh no$/],
  [{ signal: "SIGKILL" }, /was killed by SIGKILL, as the system does/],
  [{ signal: "SIGKILL", reason: "it spoke" }, /was ended: it spoke$/],
  [
    { signal: "SIGABRT", stderr: "FATAL ERROR: heap out of memory" },
    /ended out of memory: it needed more than 64 MiB .*\nStderr:\nFATAL/s,
  ],
])("the story of %o", (end, story) => {
  const { message } = crashFailure(LANGUAGE, { ...NOTHING, ...end }, 64 * 1024 ** 2);
  expect(message).toMatch(story);
});
