import type { TaskPolicy } from "../../core/model/policies.ts";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import type { Future } from "../futures/future.ts";
import type { ResourceAmounts } from "./resources.ts";

declare const indexMark: unique symbol;
declare const itemsMark: unique symbol;

/** What built-in tasks and programs make: raw bytes, or a list of such values. */
export type Value = Buffer | readonly Value[];

/**
 * An array of the cluster whose items are not all raw data. It arrives as a plain array; to the type
 * checker it is a type of its own, because the items of an array that a function returned as one
 * value cannot be had one by one.
 */
export type Items<T extends readonly unknown[]> = T & { readonly [itemsMark]: true };

/** What has items that can be had one by one. */
export type Listed = readonly Value[] | Items<readonly unknown[]>;

/**
 * Byte ranges of raw data, made by `tasks.split`. It arrives as an array of Buffers, which share
 * one memory; to the type checker it is a type of its own, because `tasks.slice` of an index is
 * raw data and `tasks.slice` of an array is an array.
 */
export type Index = Buffer[] & { readonly [indexMark]: true };

/** What a task takes as input: a task of the same submit, or the future of an earlier one. */
export type Input<T> = Task<T> | Future<T>;

/** An input, or one that may fail; see `tasks.optional`. */
export type MaybeInput<T> = Input<T> | OptionalInput<T>;

/** Any input, whatever it holds. */
export type AnyInput = Input<unknown>;

/** So long as nobody makes one, tasks do not look for them. */
let areOptionalInputsUsed = false;

/** An input that may fail; made by `tasks.optional`. */
export class OptionalInput<T = unknown> {
  /** Exists for the type checker alone. */
  declare readonly "~optional": T;
  /** @internal */
  readonly input: Input<T>;

  /** @internal */
  constructor(input: Input<T>) {
    areOptionalInputsUsed = true;
    this.input = input;
  }
}

/**
 * Bytes that a connection sends once, as a constant that it keeps, for all tasks that have them as
 * an input. @internal
 */
export class SharedConstant {
  /** Equal keys mean equal bytes. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Of the task that makes it of the bytes. */
  readonly taskType: number;
  /** As those of a task: the submit that saw it last, and its id there. */
  planStamp = 0;
  planId = 0;

  constructor(key: string, bytes: Uint8Array, taskType: number = TASK_TYPE.const) {
    this.key = key;
    this.bytes = bytes;
    this.taskType = taskType;
  }
}

/** What a task holds as an input. @internal */
export type TaskInput = AnyInput | SharedConstant;

/** What a task may be given as an input. @internal */
export type GivenInput = TaskInput | OptionalInput;

/** What the server is told about a task besides what it does. */
export type TaskDetails = {
  readonly label: string | undefined;
  readonly metadata: Uint8Array | undefined;
  readonly checkpoint: string | undefined;
  readonly resources: ResourceAmounts | undefined;
  /** What it says of what is done when it fails; the rest is as its plan says. */
  readonly policy?: Partial<TaskPolicy> | undefined;
  /** Positions of inputs that may fail, ascending. */
  readonly optionalInputs?: readonly number[];
};

const NO_INPUTS: readonly TaskInput[] = [];
const NO_BYTES = new Uint8Array(0);
const NO_DETAILS: TaskDetails = {
  label: undefined,
  metadata: undefined,
  checkpoint: undefined,
  resources: undefined,
  policy: undefined,
};

/**
 * One unit of work, described and not yet submitted; its result will be a `T`. Made by the
 * functions of `tasks`. It is a plain description: submitted twice, it is two tasks; used twice in
 * one submit, it is one.
 */
export class Task<T = unknown> {
  /** Exists for the type checker alone. */
  declare readonly "~value": T;
  /** Symbol id of a built-in task type, or the name of an extension's. @internal */
  readonly taskType: number | string;
  /** @internal */
  readonly inputs: readonly TaskInput[];
  /** Bytes, or text that goes out in UTF-8: a million texts take much less memory than as many buffers. @internal */
  readonly config: Uint8Array | string;
  /** @internal */
  readonly details: TaskDetails;
  /**
   * The submit that saw this task last, and its row there: a mark on the task costs a fraction of
   * a map of a million entries. @internal
   */
  planStamp = 0;
  /** @internal */
  planRow = 0;

  /** @internal */
  constructor(
    taskType: number | string,
    inputs: readonly GivenInput[] = NO_INPUTS,
    config: Uint8Array | string = NO_BYTES,
    details: TaskDetails = NO_DETAILS,
  ) {
    this.taskType = taskType;
    this.config = config;
    if (areOptionalInputsUsed && inputs.some((input) => input instanceof OptionalInput)) {
      this.inputs = inputs.map((input) => (input instanceof OptionalInput ? input.input : input));
      const optionalInputs = [...inputs.keys()].filter((i) => inputs[i] instanceof OptionalInput);
      this.details = { ...details, optionalInputs };
    } else {
      this.inputs = inputs as readonly TaskInput[];
      this.details = details;
    }
  }

  /** The label, if one was given. */
  get label(): string | undefined {
    return this.details.label;
  }
}
