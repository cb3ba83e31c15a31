import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { createRawWriter } from "../../store/raw-writer.ts";
import { READ_CHUNK_BYTES } from "../../store/read-value.ts";
import { FILE_BYTES_MIN } from "../../store/value-id.ts";
import { type Builtin, requireNoInputs } from "./builtin.ts";

/** A task type whose result is its config, as a leaf of this data type. */
export function storeConfig(dataType: number): Builtin {
  return {
    now: (task) => {
      requireNoInputs(task);
      const { values, config } = task;
      return config.length < FILE_BYTES_MIN ? values.createBytes(config, dataType) : undefined;
    },
    aside: async ({ values, config }, signal) => {
      const writer = createRawWriter(values, { sizeBytes: config.length, dataType });
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
}

/** `loom/data/const`: the config, as raw data. */
export const constBuiltin: Builtin = storeConfig(DATA_TYPE.data);
