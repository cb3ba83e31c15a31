import {
  chmodSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { constants, copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FILE_BYTES_MIN, type ValueId } from "../../store/value-id.ts";
import { systemReason, TaskError } from "../task-error.ts";
import { decodeName, relativePath } from "./names.ts";
import type { ProgramTask } from "./program-task.ts";
import { readStderr } from "./read-stderr.ts";

/** Makes values of what the program left: one output is raw data, any other number an array. */
export async function collectOutputs(
  task: ProgramTask,
  links: ReadonlyMap<string, ValueId>,
): Promise<ValueId> {
  const { values, run } = task;
  const collected = new Map<string, ValueId>();
  const outputs: ValueId[] = [];
  try {
    for (const bytes of run.mapOutputs) {
      const name = decodeName(bytes, "a name of an output");
      const path = relativePath(name, "Output");
      const value = collected.get(path) ?? (await collectNamed(task, name, path, links));
      collected.set(path, value);
      outputs.push(value);
    }
    const [only] = outputs;
    if (only === undefined || outputs.length > 1) {
      return values.createArray(Uint32Array.from(outputs));
    }
    values.retain(only);
    return only;
  } finally {
    for (const value of collected.values()) values.release(value);
  }
}

/** Checks the names before anything runs. */
export function checkOutputNames(names: readonly Uint8Array[]): Set<string> {
  return new Set(
    names.map((name) => relativePath(decodeName(name, "a name of an output"), "Output")),
  );
}

async function collectNamed(
  task: ProgramTask,
  name: string,
  path: string,
  links: ReadonlyMap<string, ValueId>,
): Promise<ValueId> {
  try {
    return await collectOutput(task, path, links);
  } catch (error) {
    const stderr = readStderr(task.directory);
    throw new TaskError({
      message: `Output '${name}' error: ${systemReason(error)}\nStderr:\n${stderr}`,
      stderr,
    });
  }
}

async function collectOutput(
  { values, directory }: ProgramTask,
  path: string,
  links: ReadonlyMap<string, ValueId>,
): Promise<ValueId> {
  const source = join(directory, path);
  const found = lstatSync(source);
  const linked = links.get(path);
  if (linked !== undefined && found.isSymbolicLink() && leadsTo(source, values, linked)) {
    // The input itself, unchanged: an immutable value needs no copy.
    values.retain(linked);
    return linked;
  }
  const target = found.isSymbolicLink() ? statSync(source) : found;
  if (target.isDirectory()) throw new Error("it is a directory");
  if (!target.isFile()) throw new Error("it is not a regular file");
  const isForeign = found.isSymbolicLink() || target.nlink > 1 || leavesDirectory(directory, path);
  if (!isForeign && (target.mode & 0o400) === 0) chmodSync(source, 0o400);
  if (target.size === 0) return values.createBytes(new Uint8Array(0));
  if (target.size < FILE_BYTES_MIN) return values.createBytes(readFileSync(source));
  if (isForeign) return copyOutput(values, source);
  if (values.files.overflow?.isNeeded() !== true) return moveOutput(values, source, target);
  const value = await copyOutput(values, source);
  unlinkSync(source);
  return value;
}

function moveOutput(values: ProgramTask["values"], source: string, { size }: Stats): ValueId {
  const path = values.files.createLocalPath();
  chmodSync(source, 0o444);
  renameSync(source, path);
  return values.createFile(path, size, { isOwned: true });
}

/** For what is not, or not only, in the program's directory: moving it would take it away from somebody. */
async function copyOutput(values: ProgramTask["values"], source: string): Promise<ValueId> {
  const path = values.files.createPath();
  try {
    await copyFile(source, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    chmodSync(path, 0o444);
    return values.createFile(path, statSync(path).size, { isOwned: true });
  } catch (error) {
    values.files.unlinkIfThere(path);
    throw error;
  }
}

function leadsTo(link: string, values: ProgramTask["values"], value: ValueId): boolean {
  const stretch = values.fileStretch(value);
  return stretch !== undefined && readlinkSync(link) === values.files.path(stretch.file);
}

/** Whether a directory on the way is a link to somewhere else. */
function leavesDirectory(directory: string, path: string): boolean {
  if (!path.includes("/")) return false;
  return (
    realpathSync(join(directory, dirname(path))) !== join(realpathSync(directory), dirname(path))
  );
}
