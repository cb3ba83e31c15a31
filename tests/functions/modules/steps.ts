// Functions as a user writes them. The line numbers of what throws are named in tests.
import type { PythonObject } from "../../../src/client/index.ts";

export type Model = { readonly name: string; readonly weights: readonly number[] };

export const VERSION = 1;

export function add(a: number, b: number): number {
  return a + b;
}

export async function train(table: Buffer, fold: number): Promise<Model> {
  return { name: `fold ${fold}`, weights: [table.length, fold] };
}

export function best(models: readonly Model[]): Model {
  const [first] = [...models].sort((a, b) => (b.weights[1] ?? 0) - (a.weights[1] ?? 0));
  if (first === undefined) throw new RangeError("no models");
  return first;
}

export function shout(text: string): string {
  return text.toUpperCase();
}

export function countLines(lines: readonly string[], atLeast = 0): number {
  return Math.max(lines.length, atLeast);
}

export function reverse(data: Uint8Array): Uint8Array {
  return Uint8Array.from(data).reverse();
}

export function pieces(data: Buffer, count: number): Buffer[] {
  const size = Math.ceil(data.length / count);
  return Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

export function echo<T>(value: T): T {
  return value;
}

export function days(dates: Map<string, Date>): Map<string, number> {
  return new Map([...dates].map(([name, date]) => [name, date.getUTCDate()]));
}

export function passOn(handle: PythonObject): PythonObject {
  return handle;
}

export function fail(message: string): never {
  throw new TypeError(message);
}

export class NotAFunction {}
