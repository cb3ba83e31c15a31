import type { Log } from "../../../core/base/log.ts";
import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { findProgram } from "../../program-paths.ts";
import { createRunnerPool } from "../../runners/runner-pool.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { TaskError } from "../task-error.ts";
import { createFunctionKeys } from "./function-key.ts";
import type { FunctionType } from "./function-type.ts";

/**
 * `loom/js/call`: the first input is the code, a module that was bundled by the client; the config
 * says which function of it is called with what:
 *
 *     {"timeLimitMs": number, "export": name, "label": text, "args": [argument, ...], "inputs": number}
 *
 * `CallConfig` of the runner has what these are. A time limit comes first; all but `export` and
 * `args` may be left out.
 */
export function createJavaScriptCalls(options: {
  readonly values: ValueTable;
  readonly log: Log;
}): FunctionType {
  const { values, log } = options;
  const keys = createFunctionKeys(values);
  return {
    pool: createRunnerPool({
      values,
      log,
      language: {
        name: "JavaScript",
        abortMs: ABORT_MS,
        command: async () => ({
          file: process.execPath,
          args: ["--enable-source-maps", findProgram("loom-runner.js")],
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

/** Enough to close a connection or to remove a file, too short to be noticed elsewhere. */
const ABORT_MS = 100;
/** The third byte of a config that begins with `{"timeLimitMs"`. */
const LETTER_T = 0x74;

/** Most calls have no limit, and their configs are for the runner alone to read. */
function readTimeLimit(config: Uint8Array): number | undefined {
  if (config[2] !== LETTER_T) return undefined;
  const text = Buffer.from(config.buffer, config.byteOffset, config.byteLength).toString();
  try {
    const { timeLimitMs } = JSON.parse(text) as { readonly timeLimitMs?: unknown };
    return typeof timeLimitMs === "number" && timeLimitMs > 0 ? timeLimitMs : undefined;
  } catch {
    return undefined; // the runner says what is wrong with it
  }
}
