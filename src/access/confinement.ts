import { lstatSync, realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";

/**
 * Which files plans may name: what is below the roots after all links. Programs and functions are not
 * held by this; they have the rights of their user.
 */
export type Confinement = {
  /** The file itself, behind all links. Rejects where it is elsewhere, or not there. */
  readable(path: string): Promise<string>;
  /** Where to write, behind all links, whether it is there or not. Rejects where that is elsewhere. */
  writable(path: string): Promise<string>;
  /** `writable`, for what happens rarely. */
  writableNow(path: string): string;
};

/** No limits but those of the system. */
export const UNCONFINED: Confinement = {
  readable: (path) => Promise.resolve(path),
  writable: (path) => Promise.resolve(path),
  writableNow: (path) => path,
};

/**
 * Throws the system's error for a root that does not exist.
 * @param roots an empty list allows everything
 */
export function createConfinement(roots: {
  readonly read: readonly string[];
  readonly write: readonly string[];
}): Confinement {
  const readRoots = roots.read.map((root) => realpathSync(root));
  const writeRoots = roots.write.map((root) => realpathSync(root));
  return {
    async readable(path) {
      return readRoots.length === 0
        ? path
        : requireWithin(readRoots, await realpath(path), "--allow-read");
    },
    async writable(path) {
      if (writeRoots.length === 0) return path;
      const target = join(await realpath(dirname(path)), basename(path));
      // What is there may be a link that leads away.
      const final = await realpath(target).catch((error: unknown) => orMissing(error, target));
      return requireWithin(writeRoots, final, "--allow-write");
    },
    writableNow(path) {
      if (writeRoots.length === 0) return path;
      const target = join(realpathSync(dirname(path)), basename(path));
      return requireWithin(writeRoots, realpathOr(target), "--allow-write");
    },
  };
}

function requireWithin(roots: readonly string[], path: string, option: string): string {
  const isWithin = roots.some(
    (root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep),
  );
  if (isWithin) return path;
  throw new Error(`it is outside of the directories that ${option} names`);
}

/** A link to nothing is no place to write: its target would be made wherever it leads. */
function orMissing(error: unknown, target: string): string {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw error;
  return target;
}

function realpathOr(target: string): string {
  try {
    return realpathSync(target);
  } catch (error) {
    return orMissing(error, target);
  }
}
