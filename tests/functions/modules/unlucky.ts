// Functions that fail in ways of their own. Tests name the lines.
import { writeFileSync } from "node:fs";

export function throwIt(message: string): never {
  throw new TypeError(message, { cause: new RangeError("the cause") });
}

export async function throwLater(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  throw new Error("later");
}

export function throwText(): never {
  throw "text";
}

export function exit(code: number): number {
  process.exit(code);
}

export function spin(file: string): never {
  writeFileSync(file, String(process.pid));
  for (;;);
}

export async function throwInTimer(): Promise<void> {
  setTimeout(() => {
    throw new Error("in a timer");
  }, 1);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

export async function rejectUnheard(): Promise<void> {
  void Promise.reject(new Error("unheard"));
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

export async function awaitNothing(): Promise<void> {
  await new Promise(() => {});
}

export function crash(): void {
  process.kill(process.pid, "SIGSEGV");
}

export function allocate(): number {
  const kept: number[][] = [];
  for (;;) kept.push(new Array(1_000_000).fill(kept.length));
}

/** What is not in the heap of V8. */
export function allocateBuffers(): number {
  const kept: Buffer[] = [];
  for (;;) kept.push(Buffer.alloc(1_000_000, kept.length));
}

export function returnFunction(): () => number {
  return () => 1;
}

export function returnHandleInside(handle: unknown): unknown {
  return { handle };
}

export function fine(x: number): number {
  return x;
}
