import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

const DIGITS = 12;
const SUFFIX = ".hlj";

/** The file of a segment: its number, so that names sort as numbers do. */
export const segmentPath = (directory: string, number: number): string =>
  join(directory, String(number).padStart(DIGITS, "0") + SUFFIX);

/** Numbers of the segments in the directory, rising. */
export async function listSegments(directory: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(directory)) {
    if (!name.endsWith(SUFFIX)) continue;
    const digits = name.slice(0, -SUFFIX.length);
    if (/^\d{12}$/.test(digits)) numbers.push(Number(digits));
  }
  return numbers.sort((a, b) => a - b);
}

/** Makes names that were added to the directory, or taken from it, outlast an end of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot, and need not.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "ENOTSUP" && code !== "EISDIR") throw error;
  } finally {
    await handle.close();
  }
}
