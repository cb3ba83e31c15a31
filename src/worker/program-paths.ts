import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program of this package: beside this code where it is bundled, else in `dist/bin` above it. */
export function findProgram(name: string): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    for (const place of [directory, join(directory, "dist/bin")]) {
      const path = join(place, name);
      if (existsSync(path)) return path;
    }
    if (directory === dirname(directory)) break;
  }
  throw new Error(`there is no ${name} at or above ${start}; build the package with npm run build`);
}

/** The launchers of this package; the compiled one may not be there. */
export function findLaunchers(): { readonly compiledPath: string; readonly nodePath: string } {
  const nodePath = findProgram("loom-launcher-node.js");
  return { compiledPath: join(dirname(nodePath), "loom-launcher"), nodePath };
}
