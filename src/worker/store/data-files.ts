import { closeSync, openSync, readSync, unlink } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert } from "../../core/base/assert.ts";

/** Descriptors kept open for small reads, such as the lines of a split file. */
const OPEN_FILES_MAX = 64;

type DataFile = {
  readonly path: string;
  readonly isOwned: boolean;
  readonly isSpill: boolean;
  readonly sizeBytes: number;
};

export type DataFileOptions = {
  /** Ours: it is unlinked with its value. */
  readonly isOwned: boolean;
  /** What it holds was in memory before. Default false. */
  readonly isSpill?: boolean;
  readonly sizeBytes: number;
};

/**
 * The files that values lie in: our own, in the data directory, which end with their value; and
 * those of the user, opened or loaded, which are never touched.
 */
export class DataFiles {
  readonly directory: string;
  readonly #files: (DataFile | undefined)[] = [];
  readonly #free: number[] = [];
  /** Descriptors by file, the one used longest ago first. */
  readonly #open = new Map<number, number>();
  readonly #unlinking = new Set<Promise<void>>();
  readonly #onError: (message: string) => void;
  #names = 0;
  #ownedBytes = 0;
  #spilledBytes = 0;
  #memoryBytes = 0;

  /** `onError` hears of own files that could not be removed. */
  constructor(directory: string, onError: (message: string) => void) {
    this.directory = directory;
    this.#onError = onError;
  }

  /** Bytes of all files of our own. */
  get ownedBytes(): number {
    return this.#ownedBytes;
  }

  /** The part of it that was in memory before. */
  get spilledBytes(): number {
    return this.#spilledBytes;
  }

  /**
   * Where the data directory takes memory itself: a directory on a disk for new files, while there is
   * no room in memory.
   */
  overflow: { readonly directory: string; readonly isNeeded: () => boolean } | undefined;

  /**
   * Counts a file of known size that is being written, if it is in memory. What is returned is to be
   * called when it was added, or is given up.
   */
  beginWrite(path: string, sizeBytes: number): () => void {
    if (this.overflow === undefined || dirname(path) !== this.directory) return () => {};
    this.#memoryBytes += sizeBytes;
    return () => {
      this.#memoryBytes -= sizeBytes;
    };
  }

  /** Bytes of the files that are in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** A path that was never used before: in the data directory, or where new files are put now. */
  createPath(): string {
    if (this.overflow?.isNeeded() !== true) return this.createLocalPath();
    this.#names += 1;
    return join(this.overflow.directory, `file-${this.#names.toString(36)}`);
  }

  /** A path in the data directory that was never used before, to which a file of it can be moved. */
  createLocalPath(): string {
    this.#names += 1;
    return join(this.directory, this.#names.toString(36));
  }

  /** Whether the file is in the data directory, which programs cannot write to. */
  isLocal(file: number): boolean {
    return dirname(this.path(file)) === this.directory;
  }

  /** Takes over a file that is at its place, complete. */
  add(path: string, { isOwned, isSpill = false, sizeBytes }: DataFileOptions): number {
    const file = this.#free.pop() ?? this.#files.length;
    const added = { path, isOwned, isSpill, sizeBytes };
    this.#files[file] = added;
    this.#count(added, 1);
    return file;
  }

  path(file: number): string {
    return this.#get(file).path;
  }

  isOwned(file: number): boolean {
    return this.#get(file).isOwned;
  }

  /** Forgets the file; one of our own is unlinked. */
  remove(file: number): void {
    const removed = this.#get(file);
    const { path, isOwned } = removed;
    this.#count(removed, -1);
    this.#files[file] = undefined;
    this.#free.push(file);
    const descriptor = this.#open.get(file);
    if (descriptor !== undefined) {
      this.#open.delete(file);
      closeSync(descriptor);
    }
    if (isOwned) this.unlink(path);
  }

  /** Unlinks a path of the data directory, off the loop: freeing a large file takes a while. */
  unlink(path: string): void {
    this.#unlink(path, true);
  }

  /** Unlinks what is in the data directory under names that begin so and that are no value's. */
  removePrefixed(prefix: string): void {
    const removing = readdir(this.directory).then(
      (names) => {
        for (const name of names) {
          if (name.startsWith(prefix)) this.unlinkIfThere(join(this.directory, name));
        }
      },
      (error: Error) => this.#onError(`cannot read ${this.directory}: ${error.message}`),
    );
    this.#unlinking.add(removing);
    void removing.then(() => this.#unlinking.delete(removing));
  }

  /** For a file that may not have been made. */
  unlinkIfThere(path: string): void {
    this.#unlink(path, false);
  }

  #unlink(path: string, mustExist: boolean): void {
    const done = new Promise<void>((resolve) =>
      unlink(path, (error) => {
        const isTold = error !== null && (mustExist || error.code !== "ENOENT");
        if (isTold) this.#onError(`cannot remove ${path}: ${error.message}`);
        resolve();
      }),
    );
    this.#unlinking.add(done);
    void done.then(() => this.#unlinking.delete(done));
  }

  /** Resolves when all unlinking begun so far has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#unlinking);
  }

  /** Fills `target` from `position` on. Throws the system's error, or one that names a file that has shrunk. */
  readSync(file: number, position: number, target: Uint8Array): void {
    const { path } = this.#get(file);
    const descriptor = this.#descriptor(file, path);
    let filled = 0;
    while (filled < target.length) {
      const count = readSync(descriptor, target, filled, target.length - filled, position + filled);
      if (count === 0) throw new Error(`file '${path}' is shorter than it was when it was opened`);
      filled += count;
    }
  }

  /** Closes what is open; the files stay. */
  closeAll(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
  }

  #descriptor(file: number, path: string): number {
    const known = this.#open.get(file);
    if (known !== undefined) {
      this.#open.delete(file);
      this.#open.set(file, known);
      return known;
    }
    if (this.#open.size >= OPEN_FILES_MAX) {
      for (const [oldest, descriptor] of this.#open) {
        this.#open.delete(oldest);
        closeSync(descriptor);
        break;
      }
    }
    const descriptor = openSync(path, "r");
    this.#open.set(file, descriptor);
    return descriptor;
  }

  #count({ path, isOwned, isSpill, sizeBytes }: DataFile, sign: 1 | -1): void {
    if (isOwned) this.#ownedBytes += sign * sizeBytes;
    const isAside = this.overflow !== undefined && dirname(path) === this.overflow.directory;
    if (isSpill || isAside) this.#spilledBytes += sign * sizeBytes;
    else if (isOwned && this.overflow !== undefined) this.#memoryBytes += sign * sizeBytes;
  }

  #get(file: number): DataFile {
    const found = this.#files[file];
    assert(found !== undefined, "a value's file exists");
    return found;
  }
}
