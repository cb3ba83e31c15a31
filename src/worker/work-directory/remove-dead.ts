import { lstat, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { removeDirectory } from "../executors/program/remove-directory.ts";
import { systemReason } from "../executors/task-error.ts";
import { isHeld, lockPath } from "./directory-lock.ts";
import { tokenPath, workDirectoryPrefix } from "./work-directory.ts";

/** A worker that is about to listen on its lock is not dead: the second look is so much later. */
const SECOND_LOOK_MS = 100;

/** Removes what dead workers of this user and host left in `parent`. Never rejects; `onRemoved` and `onError` are told. */
export async function removeDeadDirectories(
  parent: string,
  {
    onRemoved,
    onError,
  }: { readonly onRemoved: (path: string) => void; readonly onError: (text: string) => void },
): Promise<void> {
  try {
    const names = await readdir(parent);
    const prefix = workDirectoryPrefix();
    const paths = names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => join(resolve(parent), name));
    const dead = await filterDead(paths);
    if (dead.length === 0) return;
    await delay(SECOND_LOOK_MS);
    for (const path of await filterDead(dead)) {
      await removeDirectory(path, []);
      await rm(tokenPath(path), { force: true });
      await rm(lockPath(path), { force: true });
      onRemoved(path);
    }
  } catch (error) {
    onError(`cannot remove what dead workers left in ${parent}: ${systemReason(error)}`);
  }
}

async function filterDead(paths: readonly string[]): Promise<string[]> {
  const dead: string[] = [];
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined); // somebody else was faster
    const isOurs = found?.isDirectory() === true && found.uid === process.getuid?.();
    if (isOurs && !(await isHeld(path))) dead.push(path);
  }
  return dead;
}
