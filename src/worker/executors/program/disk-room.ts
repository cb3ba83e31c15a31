import { statfsSync } from "node:fs";

/** A disk with less room than this is full, for most of what programs write. */
const ROOM_BYTES_MIN = 64 * 1024;

/** Whether the file system of the directory has no room left, or no number for another file. */
export function hasNoRoom(directory: string): boolean {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(directory);
    // What is kept back for root is no room for others.
    const blocks = process.getuid?.() === 0 ? bfree : bavail;
    return blocks * bsize < ROOM_BYTES_MIN || (files > 0 && ffree === 0);
  } catch {
    return false; // It is gone, or cannot be asked.
  }
}
