import type { Log } from "../../../core/base/log.ts";
import { DATA_TYPE } from "../../../core/model/symbols.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";
import { createRunnerPool } from "../../runners/pool/runner-pool.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { TaskError } from "../task-error.ts";
import { readCallOptions } from "./call-options.ts";
import { createFunctionKeys } from "./function-key.ts";
import type { FunctionType } from "./function-type.ts";
import type { PythonFinder } from "./python-interpreter.ts";

/**
 * `loom/py/call`: the first input is a pickled callable, or a tuple of one and whether it wants a
 * context; the config is a pickle of the tuple of its direct arguments.
 */
export function createPythonCalls(options: {
  readonly values: ValueTable;
  readonly findPython: PythonFinder;
  readonly runnerMemoryBytes: number;
  readonly watch?: ProcessWatch;
  readonly log: Log;
}): FunctionType {
  const { values, findPython, runnerMemoryBytes, log } = options;
  const keys = createFunctionKeys(values);
  return {
    pool: createRunnerPool({
      values,
      log,
      memoryBytesMax: runnerMemoryBytes,
      watch: options.watch,
      language: { name: "Python", command: async () => (await findPython()).command },
    }),
    prepare: ({ inputs: [code, ...inputs], config }) => {
      if (code === undefined || values.dataType(code) !== DATA_TYPE.pyobj) {
        throw new TaskError({ message: "The first argument is not PyObj" });
      }
      const { timeLimitMs } = readCallOptions(config);
      return { functionKey: keys.keyOf(code), function: code, config, inputs, timeLimitMs };
    },
    logLine: (clientTask, text) => `PyTask id=${clientTask}: ${text}`,
  };
}
