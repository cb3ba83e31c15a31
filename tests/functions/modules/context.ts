// Functions that ask for the task that they are called for, or return tasks.
import { writeFileSync } from "node:fs";
import { type Items, items, type Task, tasks } from "hyperloom";
import { type CurrentTask, currentTask } from "hyperloom/worker";
import * as self from "./context.ts";

type Known = Pick<CurrentTask, "id" | "label"> & { readonly hasAttempt: boolean };

export function whoAmI(): Known {
  const { id, label, attempt } = currentTask();
  return { id, label, hasAttempt: attempt > 0 };
}

export async function report(name: string): Promise<boolean> {
  const task = currentTask();
  task.progress(0.5, `${name} is at half`);
  task.log.warn(`${name} warns`);
  // biome-ignore lint/suspicious/noConsole: functions of users do so.
  console.log(`${name} prints`);
  process.stdout.write(`${name} writes`);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return task === currentTask() && !task.signal.aborted;
}

export async function waitForAbort(file: string): Promise<void> {
  const { signal } = currentTask();
  writeFileSync(file, String(process.pid));
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  writeFileSync(file, `${signal.reason}`);
}

export function processId(): number {
  return process.pid;
}

export function mergeThree(word: Buffer): Task<Buffer> {
  const part = tasks.const(word);
  return tasks.merge([part, tasks.run("cat", { stdin: part }), part], { delimiter: "-" });
}

export function countDown(from: number): number | Task<number> {
  const { countDown: next } = tasks.module(self, import.meta.url);
  return from > 0 ? next(from - 1) : from;
}

export function callForeign(): Task<unknown> {
  const { foreign } = tasks.module({ foreign: () => 1 }, import.meta.url);
  return foreign();
}

export function runAll(words: readonly string[]): Task<Buffer>[] {
  return words.map((word) => tasks.run(["echo", word]));
}

export function listEach(count: number): Items<{ readonly n: number }[]> {
  return items(Array.from({ length: count }, (_, n) => ({ n })));
}

export function double(item: { readonly n: number }): number {
  return 2 * item.n;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

export function wrongTask(): Task<Buffer> {
  return tasks.run("false");
}
