import type { TaskInput, TaskOutput } from "../extension.ts";
import { createRawWriter } from "../store/raw-writer.ts";
import { READ_CHUNK_BYTES } from "../store/read-value.ts";
import { FILE_BYTES_MIN, type ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import type { InputScope } from "./task-input.ts";

/** An array that is being gathered: what it is to hold, and the values so far. */
type Level = { readonly outputs: readonly TaskOutput[]; readonly items: ValueId[] };

/** Makes a value, which the caller owns, of what a task's code returned. Without recursion. */
export async function storeOutput(
  values: ValueTable,
  scope: InputScope,
  output: TaskOutput,
  signal: AbortSignal,
): Promise<ValueId> {
  const target: Target = { values, scope, signal };
  // The output is the only item of an array that is never made.
  const root: Level = { outputs: [output], items: [] };
  const levels = [root];
  try {
    for (;;) {
      const level = levels.at(-1) ?? root;
      if (level.items.length < level.outputs.length) {
        const next = level.outputs[level.items.length] as TaskOutput;
        if (Array.isArray(next)) levels.push({ outputs: next, items: [] });
        else level.items.push(await storeLeaf(target, next as LeafOutput));
        continue;
      }
      if (level === root) return root.items.pop() as ValueId;
      const array = values.createArray(Uint32Array.from(level.items));
      for (const item of level.items) values.release(item);
      levels.pop();
      (levels.at(-1) ?? root).items.push(array);
    }
  } catch (error) {
    for (const { items } of levels) for (const item of items) values.release(item);
    throw error;
  }
}

type Target = {
  readonly values: ValueTable;
  readonly scope: InputScope;
  readonly signal: AbortSignal;
};

type LeafOutput = Exclude<TaskOutput, readonly TaskOutput[]>;

async function storeLeaf(target: Target, output: LeafOutput): Promise<ValueId> {
  const { values, scope } = target;
  if (typeof output === "string") return storeBytes(target, Buffer.from(output));
  if (output instanceof Uint8Array) return storeBytes(target, output);
  if (typeof output === "object" && output !== null) {
    const input = scope.find(output);
    if (input !== undefined) {
      values.retain(input);
      return input;
    }
    if (Symbol.asyncIterator in output) return storeChunks(target, output);
  }
  const found = output === null ? "null" : typeof output;
  throw new TypeError(
    `a task returns bytes, text, an async iterable of them, an input, or an array of these; got ${found}`,
  );
}

async function storeBytes(target: Target, bytes: Uint8Array): Promise<ValueId> {
  if (bytes.length < FILE_BYTES_MIN) return target.values.createBytes(bytes);
  return storeChunks(target, splitBytes(bytes), bytes.length);
}

async function* splitBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += READ_CHUNK_BYTES) {
    yield bytes.subarray(start, start + READ_CHUNK_BYTES);
  }
}

async function storeChunks(
  { values, signal }: Target,
  chunks: Exclude<LeafOutput, string | Uint8Array | TaskInput>,
  sizeBytes?: number,
): Promise<ValueId> {
  const writer = createRawWriter(values, sizeBytes === undefined ? {} : { sizeBytes });
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
        throw new TypeError(`an async iterable that a task returns gives bytes or text`);
      }
      await writer.write(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
