import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { createRawWriter, type RawWriter } from "../../store/raw-writer.ts";
import {
  copyValue,
  isQuick,
  QUICK_BYTES_MAX,
  READ_CHUNK_BYTES,
  readQuick,
} from "../../store/read-value.ts";
import type { ValueId } from "../../store/value-id.ts";
import { createTurnBudget } from "../../turn-budget.ts";
import { type Builtin, type BuiltinTask, requireRaw } from "./builtin.ts";

/** Inputs that are joined within one turn of the event loop. */
const QUICK_INPUTS_MAX = 1000;

/** `loom/data/merge`: the inputs, joined by the config. */
export const mergeBuiltin: Builtin = {
  now: (given) => {
    const task = withoutAbsent(given);
    const { values, inputs, config } = task;
    const sizeBytes = mergedBytes(task);
    if (sizeBytes > QUICK_BYTES_MAX || inputs.length > QUICK_INPUTS_MAX) return undefined;
    if (!inputs.every((input) => isQuick(values, input))) return undefined;
    // Read first: an allocation may move what is already in memory.
    const parts = inputs.map((input) => readQuick(values, input));
    const merged = values.allocateBytes(sizeBytes);
    const target = values.bytes(merged);
    let position = 0;
    parts.forEach((part, i) => {
      if (i > 0) target?.set(config, position);
      if (i > 0) position += config.length;
      target?.set(part, position);
      position += part.length;
    });
    values.complete(merged);
    return merged;
  },
  aside: async (given, signal) => {
    const task = withoutAbsent(given);
    const writer = createRawWriter(task.values, { sizeBytes: mergedBytes(task) });
    try {
      await mergeInto(writer, task, signal);
      return await writer.finish();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  },
};

/** What could not be made is left out. */
function withoutAbsent(task: BuiltinTask): BuiltinTask {
  const { values, inputs } = task;
  const isAbsent = (input: ValueId): boolean => values.dataType(input) === DATA_TYPE.absent;
  if (!inputs.some(isAbsent)) return task;
  return { ...task, inputs: inputs.filter((input) => !isAbsent(input)) };
}

/** Checks the inputs and returns the size of the result. */
function mergedBytes({ values, inputs, config }: BuiltinTask): number {
  let sizeBytes = config.length * Math.max(0, inputs.length - 1);
  for (const [i, input] of inputs.entries()) {
    requireRaw(values, input, i);
    sizeBytes += values.sizeBytes(input);
  }
  return sizeBytes;
}

/** Small inputs are gathered, so that a million of them are not a million writes. */
async function mergeInto(writer: RawWriter, task: BuiltinTask, signal: AbortSignal): Promise<void> {
  const { values, inputs, config } = task;
  const budget = createTurnBudget();
  const gathered = Buffer.allocUnsafeSlow(READ_CHUNK_BYTES);
  let gatheredBytes = 0;
  const flush = async (): Promise<void> => {
    await writer.write(gathered.subarray(0, gatheredBytes));
    gatheredBytes = 0;
    signal.throwIfAborted();
  };
  const put = async (bytes: Uint8Array): Promise<void> => {
    if (gatheredBytes + bytes.length > gathered.length) await flush();
    if (bytes.length > gathered.length) await writer.write(bytes);
    else {
      gathered.set(bytes, gatheredBytes);
      gatheredBytes += bytes.length;
    }
  };
  const copy = (input: ValueId): Promise<void> =>
    copyValue(values, input, (chunk) => writer.write(chunk), { signal });
  for (const [i, input] of inputs.entries()) {
    if (i > 0) await put(config);
    if (isQuick(values, input)) await put(readQuick(values, input));
    else {
      await flush();
      await copy(input);
    }
    if (!budget.isSpent()) continue;
    await budget.renew();
    signal.throwIfAborted();
  }
  await flush();
}
