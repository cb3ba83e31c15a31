import { ONE_CPU, type Resources, requestOf } from "../../../../src/client/tasks/resources.ts";
import { type AnyInput, Task } from "../../../../src/client/tasks/task.ts";
import { TASK_TYPE } from "../../../../src/core/model/symbols.ts";

type DirectArgument = string | number;

export type CallDetails = {
  readonly args?: readonly DirectArgument[];
  readonly inputs?: readonly AnyInput[];
  readonly timeLimitMs?: number;
  readonly resources?: Resources;
  readonly checkpoint?: string;
  readonly label?: string;
};

/**
 * A Python function that is given as the source of a module, in which it is called `name`, for
 * tests that mix it with what only this client makes. Each call of what is returned is a task of it.
 */
export function pythonFunction<T = Buffer>(
  source: string,
  name: string,
): (details?: CallDetails) => Task<T> {
  const text = JSON.stringify(source);
  const expression = `(lambda module: (exec(${text}, module), module[${JSON.stringify(name)}])[1])({})`;
  const code = new Task(
    TASK_TYPE.pyValue,
    [],
    Buffer.concat([
      Buffer.from("cbuiltins\neval\n("),
      pickledArgument(expression),
      Buffer.from("tR."),
    ]),
    { label: undefined, metadata: undefined, checkpoint: undefined, resources: ONE_CPU },
  );
  return ({ args = [], inputs = [], timeLimitMs, resources, checkpoint, label = name } = {}) =>
    new Task<T>(
      TASK_TYPE.pyCall,
      [code, ...inputs],
      Buffer.concat([
        Buffer.from("("),
        ...args.map(pickledArgument),
        Buffer.from("t."),
        timeLimitMs === undefined ? Buffer.alloc(0) : optionsOf({ time_limit_ms: timeLimitMs }),
      ]),
      {
        label,
        metadata: undefined,
        checkpoint,
        resources: requestOf(resources, ONE_CPU),
      },
    );
}

/** Whole numbers and text, as pickles have them. */
function pickledArgument(value: DirectArgument): Buffer {
  if (typeof value === "number") return Buffer.from(`I${value}\n`);
  const bytes = Buffer.from(value);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from("X"), size, bytes]);
}

/** What stands behind the pickle of a call, for the worker. */
function optionsOf(options: object): Buffer {
  const json = Buffer.from(JSON.stringify(options));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(json.length);
  return Buffer.concat([json, size, Buffer.from("LOOMOPTS")]);
}
