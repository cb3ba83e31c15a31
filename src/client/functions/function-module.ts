import { existsSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { findRunnerServices, type RunnerServices } from "../../core/model/runner-services.ts";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";
import { SharedConstant, Task } from "../tasks/task.ts";
import { type Bundle, bundleModule } from "./bundle.ts";
import { type Callee, createBuilder } from "./function-builder.ts";
import type { FunctionBuilder, FunctionOptions, FunctionsOf } from "./function-types.ts";

export type ModuleOptions = FunctionOptions & {
  /**
   * Packages that are not to be taken along but to be found where the workers run. Those that are
   * compiled for one kind of machine are left out by themselves, with a warning.
   */
  readonly external?: readonly string[];
};

/**
 * The functions that a module exports, as builders of tasks: a builder takes what the function takes,
 * or tasks and futures of it, and makes a task of what the function returns.
 *
 *     import * as steps from "./steps.ts";
 *     const { trainFold } = tasks.module(steps, import.meta.resolve("./steps.ts"));
 *     const models = folds.map((fold) => trainFold(table, fold));
 *
 * With the first call of a builder the module is bundled with all that it imports; workers need
 * neither the module nor its packages. Options are for all tasks; a task's label is the function's
 * name unless one is given, and it asks for 1 cpu. A builder throws a HyperloomError with the code
 * `module-not-bundled` if that is impossible.
 *
 * A function that itself returns a task may call functions of its own module in this way.
 * @param url of the module's file, as an address or a `file:` text
 */
export function module<M extends object>(
  namespace: M,
  url: string | URL,
  options: ModuleOptions = {},
): FunctionsOf<M> {
  const { external = [], ...defaults } = options;
  const runner = findRunnerServices();
  const callee: Callee = {
    taskType: TASK_TYPE.jsCall,
    codeOf:
      runner === undefined ? bundleLater(findFile(url), external) : ownCode(runner, namespace),
    takesClones: true,
    encodeConfig: (json) => json,
  };
  const builders: Record<string, FunctionBuilder<() => unknown>> = {};
  for (const [name, value] of Object.entries(namespace)) {
    if (typeof value === "function") builders[name] = createBuilder(callee, name, defaults);
  }
  return builders as FunctionsOf<M>;
}

/** The bundle of the module, made when the first task needs it. */
function bundleLater(path: string, external: readonly string[]): Callee["codeOf"] {
  let made: { readonly bundle: Bundle; readonly constant: SharedConstant } | undefined;
  return (name) => {
    if (made === undefined) {
      const bundle = bundleModule(path, external);
      warnOfLeftOut(path, bundle.leftOut);
      made = { bundle, constant: new SharedConstant(bundle.hash, bundle.code) };
    }
    if (made.bundle.exports.has(name)) return made.constant;
    throw invalidArgument(
      `${path} has no function ${name} to export; is it the file of the module that was given?`,
    );
  };
}

/** Where functions run there are no sources, but the code of the function that runs is at hand. */
function ownCode(runner: RunnerServices, namespace: object): Callee["codeOf"] {
  return (name) => {
    const found = runner.findExport(namespace[name as keyof typeof namespace]);
    if (found !== undefined) return new Task(TASK_TYPE.const, undefined, found.code);
    throw invalidArgument(
      `Within a function, tasks.module knows what its own module exports, and ${name} is not of it`,
    );
  };
}

/** Sources are named where they are imported, also by code that was compiled and lies elsewhere. */
function findFile(url: string | URL): string {
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (cause) {
    throw invalidArgument(
      `tasks.module takes the address of the module's file, such as import.meta.resolve("./steps.ts"), but got ${url}: ${(cause as Error).message}`,
    );
  }
  const compiled = path.replace(/\.([mc]?)ts$/, ".$1js");
  const source = path.replace(/\.([mc]?)js$/, ".$1ts");
  const found = [path, compiled, source].find((candidate) => existsSync(candidate));
  if (found === undefined) throw invalidArgument(`tasks.module: there is no file ${path}`);
  return found;
}

function warnOfLeftOut(path: string, packages: readonly string[]): void {
  if (packages.length === 0) return;
  process.emitWarning(
    `${basename(path)} uses ${packages.join(", ")}, compiled for one kind of machine or not to be ` +
      "bundled. They must be installed where the workers run; name them in `external` to say so.",
    "HyperloomNotice",
  );
}
