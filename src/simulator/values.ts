import { DATA_TYPE, TASK_TYPE } from "../core/model/symbols.ts";
import { decodeTaskWork } from "./task-work.ts";

/**
 * A data object without its bytes. `hash` and `factor` stand for the content: they are the map
 * x -> factor * x + hash (mod 2^32), and joining two byte strings is applying one map after the
 * other. So a merge of merges equals the merge of all, as it does for bytes, and a result can be
 * compared however the scheduler has cut a `dslice` into pieces.
 */
export type SimulatedValue = {
  /** Symbol id. */
  readonly dataType: number;
  readonly hash: number;
  readonly factor: number;
  readonly sizeBytes: number;
  /** Of an array or an index. */
  readonly items: readonly SimulatedValue[] | undefined;
};

/** What an execution ends in. */
export type Evaluation =
  | { readonly kind: "value"; readonly value: SimulatedValue }
  | { readonly kind: "failure"; readonly message: string };

type HashAndFactor = { readonly hash: number; readonly factor: number };

const EMPTY: HashAndFactor = { hash: 0, factor: 1 };

/** Mixes one number into a hash (the finalizer of MurmurHash3, Austin Appleby, public domain). */
function mix(hash: number, value: number): number {
  let mixed = (Math.imul(hash, 31) + value) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const fromHash = (hash: number): HashAndFactor => ({ hash, factor: (mix(hash, 1) | 1) >>> 0 });

function join(parts: readonly HashAndFactor[]): HashAndFactor {
  let { hash, factor } = EMPTY;
  for (const part of parts) {
    hash = (Math.imul(part.factor, hash) + part.hash) >>> 0;
    factor = Math.imul(part.factor, factor) >>> 0;
  }
  return { hash, factor };
}

const sumSizes = (values: readonly SimulatedValue[]): number =>
  values.reduce((sum, value) => sum + value.sizeBytes, 0);

const data = (content: HashAndFactor, sizeBytes: number): Evaluation => ({
  kind: "value",
  value: { dataType: DATA_TYPE.data, ...content, sizeBytes, items: undefined },
});

const failure = (message: string): Evaluation => ({ kind: "failure", message });

function arrayOf(items: readonly SimulatedValue[]): SimulatedValue {
  let hash = mix(DATA_TYPE.array, items.length);
  for (const item of items) hash = mix(hash, item.hash);
  return { dataType: DATA_TYPE.array, ...fromHash(hash), sizeBytes: sumSizes(items), items };
}

function split(input: SimulatedValue, pieces: number): Evaluation {
  const sizeBytes = Math.floor(input.sizeBytes / Math.max(1, pieces));
  const items: SimulatedValue[] = [];
  for (let piece = 0; piece < pieces; piece += 1) {
    const content = fromHash(mix(input.hash, piece));
    items.push({ dataType: DATA_TYPE.data, ...content, sizeBytes, items: undefined });
  }
  return {
    kind: "value",
    value: {
      dataType: DATA_TYPE.index,
      ...join(items),
      sizeBytes: input.sizeBytes + 8 * (pieces + 1),
      items,
    },
  };
}

/** Reads the u64 at `offset`; all that the simulator makes fit a number. */
function readU64(config: Uint8Array, offset: number): number {
  const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x1_0000_0000;
}

function get(input: SimulatedValue, config: Uint8Array): Evaluation {
  const index = readU64(config, 0);
  const item = input.items?.[index];
  if (item !== undefined) return { kind: "value", value: item };
  return failure(`no item ${index} in an object of ${input.items?.length ?? 0} items`);
}

function slice(input: SimulatedValue, config: Uint8Array): Evaluation {
  if (input.items === undefined) return failure("slice expects an array or an index");
  const items = input.items.slice(readU64(config, 0), readU64(config, 8));
  if (input.dataType === DATA_TYPE.array) return { kind: "value", value: arrayOf(items) };
  return data(join(items), sumSizes(items));
}

function run(taskType: number, config: Uint8Array, inputs: readonly SimulatedValue[]): Evaluation {
  const work = decodeTaskWork(config);
  if (work.fails) return failure(`task with salt ${work.salt} was told to fail`);
  if (work.operation === "fold") {
    return data(join(inputs.flatMap((input) => input.items ?? [input])), work.sizeBytes);
  }
  let hash = mix(mix(taskType, work.salt), inputs.length);
  for (const input of inputs) hash = mix(hash, input.hash);
  return data(fromHash(hash), work.sizeBytes);
}

/** What a task of this type makes of its inputs, in positional order. */
export function evaluateTask(
  taskType: number,
  config: Uint8Array,
  inputs: readonly SimulatedValue[],
): Evaluation {
  const [first] = inputs;
  switch (taskType) {
    case TASK_TYPE.merge: {
      if (inputs.some((input) => input.items !== undefined)) return failure("merge expects data");
      return data(join(inputs), sumSizes(inputs));
    }
    case TASK_TYPE.arrayMake:
      return { kind: "value", value: arrayOf(inputs) };
    case TASK_TYPE.size:
      return data(fromHash(mix(TASK_TYPE.size, sumSizes(inputs))), 8);
    case TASK_TYPE.length: {
      const length = inputs.reduce((sum, input) => sum + (input.items?.length ?? 0), 0);
      return data(fromHash(mix(TASK_TYPE.length, length)), 8);
    }
    case TASK_TYPE.get:
      return first === undefined ? failure("get expects an input") : get(first, config);
    case TASK_TYPE.slice:
      return first === undefined ? failure("slice expects an input") : slice(first, config);
    case TASK_TYPE.split: {
      if (first === undefined) return failure("split expects an input");
      return split(first, decodeTaskWork(config).pieces);
    }
    default:
      return run(taskType, config, inputs);
  }
}

/** Time that the task takes on a worker of usual speed; built-ins take a microsecond. */
export function durationOfTaskUs(taskType: number, config: Uint8Array): number {
  if (taskType === TASK_TYPE.get || taskType === TASK_TYPE.slice) return 1;
  return Math.max(1, decodeTaskWork(config).durationUs);
}

/** How often the task fails before it does not. */
export function failuresOfTask(taskType: number, config: Uint8Array): number {
  if (taskType === TASK_TYPE.get || taskType === TASK_TYPE.slice) return 0;
  return decodeTaskWork(config).failures;
}

/** Number of items that clients are told; 0 for what has none. */
export const lengthOfValue = (value: SimulatedValue): number => value.items?.length ?? 0;

export const isSameValue = (left: SimulatedValue, right: SimulatedValue): boolean =>
  left.dataType === right.dataType && left.hash === right.hash && left.factor === right.factor;
