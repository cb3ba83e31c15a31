import { describe, expect, test } from "vitest";
import { TaskError } from "../../../src/worker/executors/task-error.ts";
import { stricterLimit, withTimeLimit } from "../../../src/worker/executors/time-limit.ts";

const never = new AbortController().signal;
/** Ends when it is asked to. */
const endless = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

describe("a time limit", () => {
  test("ends the work, which fails with the limit", async () => {
    const limited = withTimeLimit(20, never, endless);
    await expect(limited).rejects.toThrow(TaskError);
    await expect(withTimeLimit(20, never, endless)).rejects.toMatchObject({
      failure: { kind: "timed-out", message: expect.stringContaining("time limit of 20 ms") },
    });
  });

  test("of work that is stopped before is of no consequence", async () => {
    const stop = new AbortController();
    const stopped = withTimeLimit(100_000, stop.signal, endless);
    const reason = new Error("stopped");
    stop.abort(reason);
    await expect(stopped).rejects.toBe(reason);
  });

  test("leaves alone what is faster, and what fails by itself", async () => {
    expect(await withTimeLimit(100_000, never, async () => 7)).toBe(7);
    const error = new Error("broken");
    await expect(withTimeLimit(100_000, never, () => Promise.reject(error))).rejects.toBe(error);
  });

  test("the stricter of two holds", () => {
    expect(stricterLimit(undefined, undefined)).toBeUndefined();
    expect(stricterLimit(5, undefined)).toBe(5);
    expect(stricterLimit(5, 3)).toBe(3);
  });
});
