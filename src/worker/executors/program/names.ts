import { posix } from "node:path";
import { expected, TaskError } from "../task-error.ts";

/** Names with a meaning of their own in a run directory. */
export const STDIN_NAME = "+in";
export const STDOUT_NAME = "+out";
export const STDERR_NAME = "+err";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function decodeName(bytes: Uint8Array, what: string): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw expected(`${what} in UTF-8`, JSON.stringify(Buffer.from(bytes).toString("latin1")));
  }
}

/** The path below the run directory that a name means. A name that leads elsewhere fails the task. */
export function relativePath(name: string, what: string): string {
  const path = posix.normalize(name);
  if (name === "" || path.endsWith("/") || path === ".") {
    throw new TaskError({ message: `${what} name '${name}' is not the name of a file` });
  }
  if (path.startsWith("/") || path === ".." || path.startsWith("../")) {
    throw new TaskError({ message: `${what} name '${name}' leaves the task's directory` });
  }
  if (path.includes("\0")) {
    throw new TaskError({ message: `${what} name ${JSON.stringify(name)} contains a NUL` });
  }
  return path;
}
