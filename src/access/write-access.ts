import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { accessDirectory, isAccessFileName } from "./access-directory.ts";
import { type AccessFile, formatAccessFile } from "./access-file.ts";
import { readAccessFile } from "./find-access.ts";

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/** Writes a file that only its owner can read, complete or not at all. Throws the system's error. */
export function writeSecretFile(path: string, text: string): void {
  if (dirname(path) === accessDirectory()) makeDirectory(accessDirectory());
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, "wx", OWNER_ONLY_FILE);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

export function writeAccessFile(path: string, access: AccessFile): void {
  writeSecretFile(path, formatAccessFile(access));
}

/** Removes it at a server's end, unless another server has written it anew. */
export function removeAccessFile(path: string, serverId: string): void {
  try {
    if (readAccessFile(path).serverId === serverId) rmSync(path, { force: true });
  } catch {
    // It is gone already, or no longer ours to remove.
  }
}

/** Removes what servers of this machine left that were killed. */
export function removeDeadAccessFiles(): void {
  let names: string[];
  try {
    names = readdirSync(accessDirectory()).filter((name) => isAccessFileName(name));
  } catch {
    return; // there is no such directory
  }
  for (const name of names) {
    if (!name.startsWith(`${hostname()}-`)) continue;
    const path = join(accessDirectory(), name);
    try {
      const { pid, serverId } = readAccessFile(path);
      if (!isAlive(pid)) removeAccessFile(path, serverId);
    } catch {
      // Not one of this version's: left alone.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: OWNER_ONLY_DIRECTORY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
