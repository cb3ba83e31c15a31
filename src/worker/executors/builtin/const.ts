import { createRawWriter } from "../../store/raw-writer.ts";
import { READ_CHUNK_BYTES } from "../../store/read-value.ts";
import { FILE_BYTES_MIN } from "../../store/value-id.ts";
import { type Builtin, requireNoInputs } from "./builtin.ts";

/** `loom/data/const`: the config, as raw data. */
export const constBuiltin: Builtin = {
  now: (task) => {
    requireNoInputs(task);
    return task.config.length < FILE_BYTES_MIN ? task.values.createBytes(task.config) : undefined;
  },
  aside: async ({ values, config }, signal) => {
    const writer = createRawWriter(values, { sizeBytes: config.length });
    try {
      for (let start = 0; start < config.length; start += READ_CHUNK_BYTES) {
        await writer.write(config.subarray(start, start + READ_CHUNK_BYTES));
        signal.throwIfAborted();
      }
      return await writer.finish();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  },
};
