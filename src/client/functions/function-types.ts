import type { ArrowTableLike } from "../../core/model/arrow-table.ts";
import type { PythonObject } from "../../core/model/python-object.ts";
import type { ArrayOf } from "../tasks/collection-tasks.ts";
import type { TaskOptions } from "../tasks/options.ts";
import type { Input, Items, OptionalInput, Task } from "../tasks/task.ts";
import type { Reading } from "./readings.ts";

/** Bytes, or a list of such values: what a function returns as raw data and arrays of it. */
type RawOutput = Uint8Array | readonly RawOutput[];

/**
 * What the result of a function is to others: bytes and text are raw data, a task that it returns
 * runs in its place, and everything else is its value.
 */
export type ResultOf<R> = R extends string | Uint8Array
  ? Buffer
  : R extends Task<infer T>
    ? T
    : R extends readonly Task[]
      ? ArrayOf<{ -readonly [K in keyof R]: R[K] extends Task<infer T> ? T : never }>
      : R extends Items<infer T>
        ? Items<{ -readonly [K in keyof T]: ResultOf<T[K]> }>
        : R extends readonly RawOutput[]
          ? { -readonly [K in keyof R]: ResultOf<R[K]> }
          : R;

/** Objects that are taken whole: no inputs are looked for in them. */
type Whole =
  | ArrowTableLike
  | ArrayBufferLike
  | ArrayBufferView
  | Date
  | Error
  | Map<unknown, unknown>
  | PythonObject
  | RegExp
  | Set<unknown>
  | ((...args: never) => unknown);

/** A list or a plain object, of which parts are inputs. */
type Composed<P> = P extends Whole
  ? never
  : P extends readonly unknown[]
    ? { readonly [K in keyof P]: Argument<P[K]> }
    : P extends object
      ? { readonly [K in keyof P]: Argument<P[K]> }
      : never;

/**
 * What a parameter of type `P` takes: a plain value, or a task or future of one; a list or a plain
 * object may have tasks in it.
 */
export type Argument<P> =
  | P
  | Input<P>
  | Reading<P>
  | Composed<P>
  // Where it fails, the function gets `undefined`.
  | (undefined extends P ? OptionalInput<Exclude<P, undefined>> : never);

/** The parameters of a function, as its builder takes them. */
export type ArgumentsOf<A extends readonly unknown[]> = { [K in keyof A]: Argument<A[K]> };

export type FunctionOptions = TaskOptions & {
  /**
   * The attempt fails, and the process that runs the function is killed, once the call has taken so
   * long.
   */
  readonly timeLimitMs?: number;
};

/** Makes a task of each call of a function; nothing is called until the task is submitted. */
export type FunctionBuilder<F> = F extends (...args: infer A) => infer R
  ? {
      (...args: ArgumentsOf<A>): Task<ResultOf<Awaited<R>>>;
      /** The same with other options: `trainFold.with({ label: "train: 1" })(table, 1)`. */
      with(options: FunctionOptions): FunctionBuilder<F>;
    }
  : never;

/** The functions of a module, by name. */
export type FunctionsOf<M> = {
  readonly [K in keyof M as M[K] extends (...args: never) => unknown ? K : never]: FunctionBuilder<
    M[K]
  >;
};
