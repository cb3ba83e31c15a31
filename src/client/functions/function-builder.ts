import { invalidArgument } from "../errors.ts";
import { detailsOf } from "../tasks/options.ts";
import { ONE_CPU } from "../tasks/resources.ts";
import { type GivenInput, Task, type TaskInput } from "../tasks/task.ts";
import { encodeArgument } from "./encode-call.ts";
import type { FunctionBuilder, FunctionOptions } from "./function-types.ts";

/** How the functions of one module, in some language, are called. */
export type Callee = {
  readonly taskType: number;
  /** The code that has the function, the first input of its tasks. Throws a HyperloomError. */
  readonly codeOf: (name: string) => TaskInput;
  /** Whether arguments may be what JSON has no words for, such as dates. */
  readonly takesClones: boolean;
  /** Makes the config of `CallConfig` in JSON. */
  readonly encodeConfig: (json: string, timeLimitMs: number | undefined) => Uint8Array | string;
};

/** A builder of tasks that call the function `name`. */
export function createBuilder(
  callee: Callee,
  name: string,
  options: FunctionOptions,
): FunctionBuilder<(...args: unknown[]) => unknown> {
  const { timeLimitMs, ...taskOptions } = options;
  if (timeLimitMs !== undefined && !(timeLimitMs > 0 && Number.isFinite(timeLimitMs))) {
    throw invalidArgument(`timeLimitMs must be a number above 0, but is ${timeLimitMs}`);
  }
  const { taskType, codeOf, takesClones, encodeConfig } = callee;
  const label = options.label ?? name;
  const details = detailsOf({ ...taskOptions, label }, ONE_CPU);
  // In this order: a worker looks at the first two alone.
  const head = JSON.stringify({ export: name, timeLimitMs, label }).slice(0, -1);
  const build = (...args: unknown[]): Task => {
    const inputs: GivenInput[] = [codeOf(name)];
    let json = `${head},"args":[`;
    for (let i = 0; i < args.length; i++) {
      if (i > 0) json += ",";
      json += encodeArgument(args[i], inputs, takesClones);
    }
    json += `],"inputs":${inputs.length - 1}}`;
    return new Task(taskType, inputs, encodeConfig(json, timeLimitMs), details);
  };
  return Object.assign(build, {
    with: (changes: FunctionOptions) => createBuilder(callee, name, { ...options, ...changes }),
  });
}
