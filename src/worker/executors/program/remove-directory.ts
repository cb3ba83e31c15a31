import { unlinkSync } from "node:fs";
import { chmod, lstat, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** Removes a program's directory with all that it left there. Rejects with the system's error. */
export async function removeDirectory(
  directory: string,
  expectedNames: Iterable<string>,
): Promise<void> {
  if (await removeExpected(directory, expectedNames)) return;
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    // A program may have locked itself out of its own directories; the owner can always get in.
    await unlockDirectories(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The usual case in a few system calls: nothing is there but the names that we know. */
async function removeExpected(directory: string, names: Iterable<string>): Promise<boolean> {
  for (const name of names) {
    try {
      unlinkSync(join(directory, name));
    } catch {
      // It was moved, or is none of the usual; the next call knows.
    }
  }
  // Of these calls it alone waits for a disk's journal.
  return rmdir(directory).then(
    () => true,
    () => false, // the thorough way says what is wrong
  );
}

async function unlockDirectories(root: string): Promise<void> {
  const waiting = [root];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    await chmod(directory, 0o700);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if ((await lstat(path)).isDirectory()) waiting.push(path);
    }
  }
}
