import type { Confinement } from "../../../access/confinement.ts";
import { DATA_TYPE } from "../../../core/model/symbols.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { expected } from "../task-error.ts";

/** What a task of a built-in type is given. The inputs live at least until its end. */
export type BuiltinTask = {
  readonly values: ValueTable;
  readonly inputs: readonly ValueId[];
  readonly config: Uint8Array;
  /** Which files it may name; default: all. */
  readonly files?: Confinement | undefined;
};

/**
 * A built-in task type. Both ways return a value whose reference the caller owns, and throw a
 * TaskError for what is the task's fault.
 */
export type Builtin = {
  /** At once, if that takes well under a millisecond; else undefined, and `aside` does it. */
  readonly now: (task: BuiltinTask) => ValueId | undefined;
  /** In pieces, between which the event loop turns; memory does not grow with the data. */
  readonly aside: (task: BuiltinTask, signal: AbortSignal) => Promise<ValueId>;
};

/** A task type that is always done at once. */
export function immediate(run: (task: BuiltinTask) => ValueId): Builtin {
  return { now: run, aside: async (task) => run(task) };
}

/** The only input. */
export function onlyInput({ inputs }: BuiltinTask): ValueId {
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw expected("exactly 1 input", String(inputs.length));
  }
  return input;
}

export function requireNoInputs({ inputs }: BuiltinTask): void {
  if (inputs.length > 0) throw expected("no inputs", String(inputs.length));
}

/** Fails unless input `position` is raw data. */
export function requireRaw(values: ValueTable, input: ValueId, position: number): void {
  if (values.dataType(input) !== DATA_TYPE.data) {
    throw expected(`raw data as input ${position}`, nameOfType(values, input));
  }
}

/** What kind of thing a value is, in words. */
export function nameOfType(values: ValueTable, value: ValueId): string {
  switch (values.dataType(value)) {
    case DATA_TYPE.array:
      return "an array";
    case DATA_TYPE.index:
      return "an index";
    case DATA_TYPE.pyobj:
      return "a Python object";
    case DATA_TYPE.json:
      return "a JSON value";
    case DATA_TYPE.jsobj:
      return "a JavaScript object";
    case DATA_TYPE.arrow:
      return "an Arrow table";
    case DATA_TYPE.absent:
      return "an absent value, since the task that was to make it failed";
    default:
      return "raw data";
  }
}

/** Numbers of 8 bytes, unsigned, little-endian, that make up a config. */
export function configNumbers({ config }: BuiltinTask, count: number): bigint[] {
  if (config.length !== 8 * count) {
    throw expected(
      `a config of ${count === 1 ? "one number" : `${count} numbers`} of 8 bytes`,
      `${config.length} bytes`,
    );
  }
  const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i, true));
}

/** A number as raw data of 8 bytes, unsigned, little-endian. */
export function createNumber(values: ValueTable, number: number): ValueId {
  // An array that holds another one twice, and so on 60 times, is that large.
  if (!(number < 2 ** 64)) throw expected("a sum below 2^64", String(number));
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number), true);
  return values.createBytes(bytes);
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A config that is a path of the file system. */
export function configPath({ config }: BuiltinTask): string {
  let path: string;
  try {
    path = strict.decode(config);
  } catch {
    throw expected("a path in UTF-8", JSON.stringify(Buffer.from(config).toString("latin1")));
  }
  if (path.length === 0) throw expected("a path", "an empty config");
  if (path.includes("\0")) throw expected("a path without NUL", JSON.stringify(path));
  return path;
}
