import { realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { createFileSink } from "../../store/file-sink.ts";
import { copyValue } from "../../store/read-value.ts";
import { systemReason, TaskError } from "../task-error.ts";
import { type Builtin, configPath, onlyInput, requireRaw } from "./builtin.ts";
import { writeIntoExisting } from "./write-into-existing.ts";

let uniqueNumber = 0;

/**
 * `loom/data/save`: writes the input to a path of the user. A regular file is complete or not there:
 * it is written beside its place and renamed. Something else, such as a pipe, is written into.
 */
export const saveBuiltin: Builtin = {
  now: (task) => {
    requireRaw(task.values, onlyInput(task), 0);
    const path = configPath(task);
    if (!isAbsolute(path)) {
      throw new TaskError({ message: `Path '${path}' is not absolute path` });
    }
    return undefined;
  },
  aside: async (task, signal) => {
    const path = configPath(task);
    const input = onlyInput(task);
    try {
      const target = await findTarget((await task.files?.writable(path)) ?? path);
      if (target.isSpecial) await writeIntoExisting(task.values, input, target.path, signal);
      else {
        uniqueNumber += 1;
        const temporary = `${target.path}.loom-${process.pid}-${uniqueNumber}.tmp`;
        const sink = createFileSink(temporary, 0o666);
        try {
          await copyValue(task.values, input, (chunk) => sink.write(chunk), { signal });
          await sink.close();
          await rename(temporary, target.path);
        } catch (error) {
          await sink.close().catch(() => {}); // it failed with the same error
          await rm(temporary, { force: true });
          throw error;
        }
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw new TaskError({ message: `Cannot save to '${path}': ${systemReason(error)}` });
    }
    return task.values.createBytes(new Uint8Array(0));
  },
};

type Target = { readonly path: string; readonly isSpecial: boolean };

async function findTarget(path: string): Promise<Target> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new Error("it is a directory");
    // Through a link, so that the link stays and what it leads to is replaced.
    return found.isFile()
      ? { path: await realpath(path), isSpecial: false }
      : { path, isSpecial: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await requireDirectory(dirname(path));
    return { path, isSpecial: false };
  }
}

async function requireDirectory(directory: string): Promise<void> {
  try {
    await stat(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`the directory '${directory}' does not exist`);
  }
}
