import { closeSync, lstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { systemReason } from "../task-error.ts";
import { STDERR_NAME } from "./names.ts";

const STDERR_BYTES_MAX = 128 * 1024;

/** What the program wrote to stderr, cut at 128 KiB with a note. */
export function readStderr(directory: string): string {
  const path = join(directory, STDERR_NAME);
  try {
    const found = lstatSync(path);
    // A program may have put anything in its place, even a pipe that nobody writes to.
    if (!found.isFile()) return "[stderr is no longer a regular file]";
    const bytes = Buffer.alloc(Math.min(found.size, STDERR_BYTES_MAX));
    const descriptor = openSync(path, "r");
    let filled = 0;
    try {
      for (;;) {
        const count = readSync(descriptor, bytes, filled, bytes.length - filled, filled);
        filled += count;
        if (count === 0 || filled === bytes.length) break;
      }
    } finally {
      closeSync(descriptor);
    }
    const text = bytes.toString("utf8", 0, filled);
    return found.size <= STDERR_BYTES_MAX
      ? text
      : `${text}\n[stderr is cut here: ${STDERR_BYTES_MAX} of ${found.size} bytes]`;
  } catch (error) {
    return `[stderr cannot be read: ${systemReason(error)}]`;
  }
}
