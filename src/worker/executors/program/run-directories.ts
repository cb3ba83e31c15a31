import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemReason } from "../task-error.ts";
import { STDERR_NAME, STDOUT_NAME } from "./names.ts";
import { removeDirectory } from "./remove-directory.ts";

/** After so long without another program, what waits to be used again is removed. */
const IDLE_MS = 500;
/** Directories of one shape that wait to be used again. */
const IDLE_MAX = 256;
/** Read and write by the owner, who starts the next program. */
const OWNER_ACCESS = 0o600;

/** Whose programs may use a directory one after another; undefined: what has inputs or files of its own. */
export type RunShape = "stdout" | "silent" | undefined;

export type RunDirectory = {
  readonly path: string;
  readonly shape: RunShape;
  /** Names of files that are usual there, relative to the directory. */
  readonly names: ReadonlySet<string>;
};

/**
 * The directories of programs. To make and to remove one, with its two files for output, are six
 * changes of a file system's structure, dearer together than the start of a program. So one that a
 * program left as it found it, but for what it wrote into those two files, serves the next: the
 * launcher empties the files when it opens them.
 */
export class RunDirectories {
  readonly #parent: string;
  readonly #onError: (message: string) => void;
  readonly #idle: Record<"stdout" | "silent", RunDirectory[]> = { stdout: [], silent: [] };
  readonly #removals = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  /** `parent` exists. `onError` hears of directories that could not be removed. */
  constructor(parent: string, onError: (message: string) => void) {
    this.#parent = parent;
    this.#onError = onError;
  }

  /** An empty directory; `name` is the name of a new one. */
  take(shape: RunShape, name: string, names: ReadonlySet<string>): RunDirectory {
    const idle = shape === undefined ? undefined : this.#idle[shape].pop();
    if (idle !== undefined) return idle;
    const path = join(this.#parent, name);
    mkdirSync(path);
    return { path, shape, names };
  }

  /** The program and all that it started have ended: its directory is used again, or removed aside. */
  giveBack(directory: RunDirectory): void {
    const { shape } = directory;
    if (shape === undefined || this.#idle[shape].length >= IDLE_MAX || !isAsNew(directory)) {
      this.remove(directory);
      return;
    }
    this.#idle[shape].push(directory);
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#removeIdle(), IDLE_MS);
      this.#timer.unref();
    } else this.#timer.refresh();
  }

  /** Removes the directory, at once but aside; something may still write to it. */
  remove({ path, names }: RunDirectory): void {
    const removal = removeDirectory(path, names)
      .catch((error: unknown) => this.#onError(`cannot remove ${path}: ${systemReason(error)}`))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Resolves when all that were given back are gone. */
  async clear(): Promise<void> {
    this.#removeIdle();
    await Promise.all(this.#removals);
  }

  #removeIdle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const shape of ["stdout", "silent"] as const) {
      for (const directory of this.#idle[shape].splice(0)) this.remove(directory);
    }
  }
}

/**
 * Whether nothing is there but the files of the output, and those are nobody else's: to empty a
 * file that has a second name, or a link in its place, would empty somebody's data.
 */
function isAsNew({ path, shape }: RunDirectory): boolean {
  try {
    return readdirSync(path).every((name) => {
      const isUsual = name === STDERR_NAME || (name === STDOUT_NAME && shape === "stdout");
      if (!isUsual) return false;
      const found = lstatSync(join(path, name));
      return found.isFile() && found.nlink === 1 && (found.mode & OWNER_ACCESS) === OWNER_ACCESS;
    });
  } catch {
    return false; // What is wrong with it shows when it is removed.
  }
}
