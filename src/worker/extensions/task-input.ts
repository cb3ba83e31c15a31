import { Readable } from "node:stream";
import { assert } from "../../core/base/assert.ts";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import type { TaskInput } from "../extension.ts";
import { itemRange } from "../store/index-offsets.ts";
import { copyValue, readValue } from "../store/read-value.ts";
import { type ValueId, valueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

/** The inputs of one task, as its code sees them. */
export type InputScope = {
  wrap(value: ValueId): TaskInput;
  /** The value behind an input; undefined for anything else, such as an input of another task. */
  find(input: object): ValueId | undefined;
  /** Ends it: gives back what was made for the code, which can read nothing any more. */
  close(): void;
};

export function createInputScope(values: ValueTable): InputScope {
  const known = new Map<object, ValueId>();
  /** Items of indexes, which did not exist before. */
  const owned: ValueId[] = [];
  let isOpen = true;

  const requireOpen = (): void => {
    if (!isOpen) throw new Error("an input can only be read while its task runs");
  };
  const requireRaw = (value: ValueId): void => {
    requireOpen();
    if (!values.isRaw(value)) throw new TypeError("only raw data can be read; this has items");
  };

  const itemOf = (value: ValueId, position: number): TaskInput => {
    requireOpen();
    const length = values.length(value);
    if (!Number.isInteger(position) || position < 0 || position >= length) {
      throw new RangeError(`item ${position} is out of range: the length is ${length}`);
    }
    if (values.dataType(value) === DATA_TYPE.array) {
      return wrap(valueId(values.items(value)[position] as number));
    }
    const { offset, sizeBytes } = itemRange(values, value, position, position + 1);
    const range = values.createRange(values.indexBase(value), offset, sizeBytes);
    owned.push(range);
    return wrap(range);
  };

  const read = async (value: ValueId): Promise<Uint8Array> => {
    requireRaw(value);
    return readValue(values, value);
  };

  const wrap = (value: ValueId): TaskInput => {
    const input: TaskInput = {
      type: typeName(values.dataType(value)),
      sizeBytes: values.sizeBytes(value),
      length: values.length(value),
      read: () => read(value),
      text: async () => new TextDecoder().decode(await read(value)),
      chunks: () => {
        requireRaw(value);
        return readChunks(values, value);
      },
      items: () => Array.from({ length: values.length(value) }, (_, i) => itemOf(value, i)),
      item: (position) => itemOf(value, position),
    };
    known.set(input, value);
    return input;
  };

  return {
    wrap,
    find: (input) => known.get(input),
    close: () => {
      assert(isOpen, "a task ends once");
      isOpen = false;
      for (const value of owned) values.release(value);
      known.clear();
    },
  };
}

function typeName(dataType: number): TaskInput["type"] {
  switch (dataType) {
    case DATA_TYPE.array:
      return "array";
    case DATA_TYPE.index:
      return "index";
    case DATA_TYPE.pyobj:
      return "pyobj";
    case DATA_TYPE.json:
      return "json";
    case DATA_TYPE.jsobj:
      return "jsobj";
    case DATA_TYPE.arrow:
      return "arrow";
    case DATA_TYPE.absent:
      return "absent";
    default:
      return "data";
  }
}

/** Turns the pushing reader into a pulling one that keeps at most one chunk. */
function readChunks(values: ValueTable, value: ValueId): AsyncIterable<Uint8Array> {
  let wake: (() => void) | undefined;
  const stopping = new AbortController();
  const stream = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read: () => wake?.(),
    destroy: (error, done) => {
      stopping.abort(new Error("nobody reads on"));
      wake?.();
      done(error);
    },
  });
  const push = (chunk: Uint8Array): Promise<void> | undefined => {
    // The reader's buffer is used again; the code may keep its chunk.
    if (stream.push(Uint8Array.from(chunk))) return undefined;
    return new Promise((resolve) => {
      wake = resolve;
    });
  };
  copyValue(values, value, push, { signal: stopping.signal }).then(
    () => void (stopping.signal.aborted || stream.push(null)),
    (error: Error) => void (stopping.signal.aborted || stream.destroy(error)),
  );
  return stream;
}
