import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes the directory with all its parents; throws the system's error. Node's own recursive `mkdir`
 * never ends in a file system that refuses a directory although its parent is there, as /proc does.
 */
export function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const directory of missing.reverse()) {
    try {
      mkdirSync(directory);
    } catch (error) {
      // Another worker may have made it just now.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
