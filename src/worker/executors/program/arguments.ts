import { TaskError } from "../task-error.ts";

/** The program's arguments: one that is exactly a variable's name becomes its bytes. */
export function replaceVariables(
  args: readonly Uint8Array[],
  variables: ReadonlyMap<string, Uint8Array>,
): Uint8Array[] {
  if (args.length === 0 || args[0]?.length === 0) {
    throw new TaskError({ message: "expected a program to run, got no arguments" });
  }
  if (variables.size === 0) return [...args];
  return args.map((arg) => {
    if (arg[0] !== DOLLAR) return arg;
    // Names are UTF-8, so what is not cannot be one.
    return variables.get(Buffer.from(arg.buffer, arg.byteOffset, arg.length).toString()) ?? arg;
  });
}

const DOLLAR = 0x24;
