import { TASK_TYPE } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";
import { checkInput, checkInputs } from "./check-inputs.ts";
import { detailsOf, type TaskOptions } from "./options.ts";
import {
  type AnyInput,
  type Index,
  type Input,
  type Items,
  type Listed,
  type OptionalInput,
  Task,
  type Value,
} from "./task.ts";

/** What the inputs hold, as a tuple where their number is known. */
export type ValuesOf<Inputs extends readonly (AnyInput | OptionalInput)[]> = {
  -readonly [K in keyof Inputs]: Inputs[K] extends Input<infer T>
    ? T
    : Inputs[K] extends OptionalInput<infer T>
      ? T | undefined
      : never;
};

/** The item of `T` at position `I`; of a tuple without such a position, `never`. */
export type ItemAt<T extends Listed, I extends number> = number extends T["length"]
  ? T[number]
  : number extends I
    ? T[number]
    : `${I}` extends keyof T
      ? T[`${I}`]
      : never;

/** An array of the cluster with these items. */
export type ArrayOf<T extends readonly unknown[]> = T extends readonly Value[] ? T : Items<T>;

/** What a slice of `T` is: raw data of an index, an array of an array. */
export type SliceOf<T extends Listed> = T extends Index ? Buffer : ArrayOf<T[number][]>;

/** An array of the inputs, by reference: nothing is copied. */
export function array<const Inputs extends readonly (AnyInput | OptionalInput)[]>(
  inputs: Inputs,
  options?: TaskOptions,
): Task<ArrayOf<ValuesOf<Inputs>>> {
  return new Task(TASK_TYPE.arrayMake, checkInputs("array", inputs), undefined, detailsOf(options));
}

/** The item at `index` of an array or an index. The task fails if there is none. */
export function get<T extends Listed, const I extends number>(
  input: Input<T>,
  index: I & ([ItemAt<T, I>] extends [never] ? never : I),
  options?: TaskOptions,
): Task<ItemAt<T, I>> {
  const config = encodePositions(index);
  return new Task(TASK_TYPE.get, [checkInput("get", input)], config, detailsOf(options));
}

/**
 * The items from `from` up to and without `to`: an array of an array's items, or the raw bytes of
 * an index's range. Bounds are cut to the length; `from >= to` gives nothing.
 */
export function slice<T extends Listed>(
  input: Input<T>,
  from: number,
  to: number,
  options?: TaskOptions,
): Task<SliceOf<T>> {
  const config = encodePositions(from, to);
  return new Task(TASK_TYPE.slice, [checkInput("slice", input)], config, detailsOf(options));
}

/** The sum of the inputs' sizes in bytes, as 8 bytes; `readCount` reads them. */
export function size(inputs: AnyInput | readonly AnyInput[], options?: TaskOptions): Task<Buffer> {
  return new Task(TASK_TYPE.size, listOf("size", inputs), undefined, detailsOf(options));
}

/** The sum of the inputs' numbers of items, as 8 bytes; `readCount` reads them. Raw data has 0 items. */
export function length(
  inputs: AnyInput | readonly AnyInput[],
  options?: TaskOptions,
): Task<Buffer> {
  return new Task(TASK_TYPE.length, listOf("length", inputs), undefined, detailsOf(options));
}

/**
 * Stands for each item of `input`, whose number is not known yet: once it is, the task that uses
 * this one is run once for each item, and whoever uses that gets all of its results, in order, in
 * its place. Needs exactly one consumer; neither of the two may be submitted itself.
 */
export function dget<T extends Listed>(input: Input<T>, options?: TaskOptions): Task<T[number]> {
  return new Task(TASK_TYPE.dget, [checkInput("dget", input)], undefined, detailsOf(options));
}

/** As `dget`, with slices of about a quarter of a cpu's share instead of single items. */
export function dslice<T extends Listed>(input: Input<T>, options?: TaskOptions): Task<SliceOf<T>> {
  return new Task(TASK_TYPE.dslice, [checkInput("dslice", input)], undefined, detailsOf(options));
}

/** The number in the result of `tasks.size` or `tasks.length`. */
export function readCount(result: Uint8Array): number {
  if (result.length !== 8) {
    throw invalidArgument(`A count is 8 bytes, but these are ${result.length}`);
  }
  const view = new DataView(result.buffer, result.byteOffset, 8);
  return Number(view.getBigUint64(0, true));
}

function listOf(builder: string, inputs: AnyInput | readonly AnyInput[]): readonly AnyInput[] {
  return Array.isArray(inputs)
    ? checkInputs(builder, inputs)
    : [checkInput(builder, inputs as AnyInput)];
}

function encodePositions(...positions: number[]): Uint8Array {
  const bytes = new Uint8Array(8 * positions.length);
  const view = new DataView(bytes.buffer);
  for (const [i, position] of positions.entries()) {
    const isEnd = position === Number.POSITIVE_INFINITY;
    if (!isEnd && (!Number.isSafeInteger(position) || position < 0)) {
      throw invalidArgument(`A position must be a whole number >= 0, but is ${position}`);
    }
    view.setBigUint64(8 * i, BigInt(isEnd ? Number.MAX_SAFE_INTEGER : position), true);
  }
  return bytes;
}
