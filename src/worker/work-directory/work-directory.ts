import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { HyperloomError } from "../../core/model/errors.ts";
import { systemReason } from "../executors/task-error.ts";
import { acquireLock, type DirectoryLock } from "./directory-lock.ts";
import { makeDirectories } from "./make-directories.ts";

/** `<parent>/worker-<hostname>-<port>/` with `data/` and `run/`, for one worker alone. */
export type WorkDirectory = {
  readonly path: string;
  readonly dataDirectory: string;
  readonly runDirectory: string;
  /** Removes all of it and lets go of the lock. */
  remove(): Promise<void>;
};

/** What the names of the work directories of this host begin with. */
export const workDirectoryPrefix = (): string => `worker-${hostname()}-`;

/**
 * Makes the work directory; one that a dead worker left under the same name is replaced. Undefined
 * if a living worker has that name. Rejects with `work-directory-unusable`.
 */
export async function createWorkDirectory(
  parent: string,
  port: number,
): Promise<WorkDirectory | undefined> {
  const path = join(resolve(parent), `${workDirectoryPrefix()}${port}`);
  let lock: DirectoryLock | undefined;
  try {
    makeDirectories(parent);
    lock = await acquireLock(path);
    if (lock === undefined) return undefined;
    await makeFresh(path);
  } catch (error) {
    lock?.release();
    throw new HyperloomError(
      "work-directory-unusable",
      `The work directory '${path}' cannot be made: ${systemReason(error)}. Choose another place with --wdir.`,
      { cause: error },
    );
  }
  const held = lock;
  return {
    path,
    dataDirectory: join(path, "data"),
    runDirectory: join(path, "run"),
    async remove() {
      await rm(path, { recursive: true, force: true });
      held.release();
    },
  };
}

async function makeFresh(path: string): Promise<void> {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await rm(path, { recursive: true, force: true });
    mkdirSync(path, { mode: 0o700 });
  }
  mkdirSync(join(path, "data"));
  mkdirSync(join(path, "run"));
}
