import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { HyperloomError } from "../../core/model/errors.ts";
import { systemReason } from "../executors/task-error.ts";
import { acquireLock, type DirectoryLock } from "./directory-lock.ts";
import { makeDirectories } from "./make-directories.ts";

/** `<parent>/worker-<hostname>-<port>/` with `data/` and `run/`, for one worker alone. */
export type WorkDirectory = {
  readonly path: string;
  readonly dataDirectory: string;
  readonly runDirectory: string;
  /** A file beside it, with a secret of this worker by which others prove that they see its files. */
  readonly tokenPath: string;
  readonly token: string;
  /** Removes all of it and lets go of the lock. */
  remove(): Promise<void>;
};

/** What the names of the work directories of this host begin with. */
export const workDirectoryPrefix = (): string => `worker-${hostname()}-`;

/** The token of the worker that has the work directory, or had it. */
export const tokenPath = (workDirectory: string): string =>
  join(dirname(workDirectory), `.${basename(workDirectory)}.token`);

/**
 * Makes the work directory; one that a dead worker left under the same name is replaced. Undefined
 * if a living worker has that name. Rejects with `work-directory-unusable`.
 */
export async function createWorkDirectory(
  parent: string,
  port: number,
): Promise<WorkDirectory | undefined> {
  const path = join(resolve(parent), `${workDirectoryPrefix()}${port}`);
  const token = randomBytes(32).toString("hex");
  let lock: DirectoryLock | undefined;
  try {
    makeDirectories(parent);
    lock = await acquireLock(path);
    if (lock === undefined) return undefined;
    await makeFresh(path);
    await rm(tokenPath(path), { force: true });
    writeFileSync(tokenPath(path), token, { mode: 0o400, flag: "wx" });
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
    tokenPath: tokenPath(path),
    token,
    async remove() {
      await rm(path, { recursive: true, force: true });
      await rm(tokenPath(path), { force: true });
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
