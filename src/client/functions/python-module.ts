import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";
import { SharedConstant } from "../tasks/task.ts";
import { type Callee, createBuilder } from "./function-builder.ts";
import type { FunctionBuilder, FunctionOptions, FunctionsOf } from "./function-types.ts";
import { encodePickle } from "./pickle.ts";

/** Behind a pickle: options, their length, this. */
const OPTIONS_MAGIC = "LOOMOPTS";

/**
 * The functions of a Python file, as builders of tasks. What they take and return is said by `M`,
 * because only Python could tell; nothing checks it.
 *
 *     type Steps = { train(table: Buffer, depth: number): PythonObject };
 *     const { train } = tasks.pythonModule<Steps>(import.meta.resolve("./steps.py"));
 *
 * The file is sent as it is and run once in each process that calls its functions: it may import
 * what is installed where the workers run, but no files beside it. Functions get bytes for raw data,
 * lists for arrays, what JSON makes in Python for other values, and Python objects as they are.
 * Text and bytes that they return are raw data; what JSON can say is a value, anything else a Python
 * object.
 * @param url of the file, as an address or a `file:` text
 */
export function pythonModule<M extends object>(
  url: string | URL,
  options: FunctionOptions = {},
): FunctionsOf<M> {
  const callee = createCallee(readSource(url));
  const builders = new Map<string, FunctionBuilder<() => unknown>>();
  return new Proxy(Object.create(null) as FunctionsOf<M>, {
    get(_, name) {
      if (typeof name === "symbol") return undefined;
      let builder = builders.get(name);
      if (builder === undefined) {
        builder = createBuilder(callee, name, options) as FunctionBuilder<() => unknown>;
        builders.set(name, builder);
      }
      return builder;
    },
  });
}

type Source = { readonly path: string; readonly text: string };

function readSource(url: string | URL): Source {
  try {
    const path = fileURLToPath(url);
    return { path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    throw invalidArgument(
      `tasks.pythonModule takes the address of a Python file, such as import.meta.resolve("./steps.py"), but got ${url}: ${(cause as Error).message}`,
    );
  }
}

function createCallee({ path, text }: Source): Callee {
  const codes = new Map<string, SharedConstant>();
  return {
    taskType: TASK_TYPE.pyCall,
    takesClones: false,
    codeOf: (name) => {
      let code = codes.get(name);
      if (code === undefined) {
        const load = { module: "loom.runner.modules", name: "load", args: [name, text, path] };
        // A function that wants a context.
        const bytes = encodePickle([load, true]);
        const hash = createHash("sha256").update(bytes).digest("hex");
        code = new SharedConstant(hash, bytes, TASK_TYPE.pyValue);
        codes.set(name, code);
      }
      return code;
    },
    encodeConfig: (json, timeLimitMs) => {
      const pickle = encodePickle([json]);
      if (timeLimitMs === undefined) return pickle;
      const options = Buffer.from(JSON.stringify({ time_limit_ms: timeLimitMs }));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(options.length);
      return Buffer.concat([pickle, options, length, Buffer.from(OPTIONS_MAGIC)]);
    },
  };
}
