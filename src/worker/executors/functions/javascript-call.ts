import type { Log } from "../../../core/base/log.ts";
import { DATA_TYPE } from "../../../core/model/symbols.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";
import { findProgram } from "../../program-paths.ts";
import { createRunnerPool } from "../../runners/pool/runner-pool.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { TaskError } from "../task-error.ts";
import { createFunctionKeys } from "./function-key.ts";
import type { FunctionType } from "./function-type.ts";

/**
 * `loom/js/call`: the first input is the code, a module that was bundled by the client; the config
 * says which function of it is called with what:
 *
 *     {"export":name,"timeLimitMs":number,"label":text,"args":[argument,...],"inputs":number}
 *
 * `CallConfig` of the runner has what these are. All but `export` and `args` may be left out; what
 * the worker itself looks at, the first two, comes first and without blanks.
 */
export function createJavaScriptCalls(options: {
  readonly values: ValueTable;
  readonly runnerMemoryBytes: number;
  readonly watch?: ProcessWatch;
  readonly log: Log;
}): FunctionType {
  const { values, runnerMemoryBytes, log } = options;
  const keys = createFunctionKeys(values);
  return {
    pool: createRunnerPool({
      values,
      log,
      memoryBytesMax: runnerMemoryBytes,
      watch: options.watch,
      language: {
        name: "JavaScript",
        abortMs: ABORT_MS,
        outOfMemoryMark: "JavaScript heap out of memory",
        command: async (memoryBytesMax) => ({
          file: process.execPath,
          args: [
            "--enable-source-maps",
            // Faster than our looks at the process, but only for what is in the heap.
            `--max-old-space-size=${Math.ceil(memoryBytesMax / MIB)}`,
            findProgram("loom-runner.js"),
          ],
          env: {},
        }),
      },
    }),
    prepare: ({ inputs: [code, ...inputs], config }) => {
      if (code === undefined || values.dataType(code) !== DATA_TYPE.data) {
        throw new TaskError({ message: "The first input is not the code of a module" });
      }
      const timeLimitMs = readTimeLimit(config);
      return { functionKey: keys.keyOf(code), function: code, config, inputs, timeLimitMs };
    },
    logLine: (clientTask, text) => `task ${clientTask}: ${text}`,
  };
}

const MIB = 1024 * 1024;
/** Enough to close a connection or to remove a file, too short to be noticed elsewhere. */
const ABORT_MS = 100;
/** What follows the name of the function if the call has a limit: `,"timeLimitMs"`. */
const COMMA = 0x2c;
const LETTER_T = 0x74;

/** Most calls have no limit, and their configs are for the runner alone to read. */
function readTimeLimit(config: Uint8Array): number | undefined {
  if (config[config.indexOf(COMMA) + 2] !== LETTER_T) return undefined;
  const text = Buffer.from(config.buffer, config.byteOffset, config.byteLength).toString();
  try {
    const { timeLimitMs } = JSON.parse(text) as { readonly timeLimitMs?: unknown };
    return typeof timeLimitMs === "number" && timeLimitMs > 0 ? timeLimitMs : undefined;
  } catch {
    return undefined; // the runner says what is wrong with it
  }
}
