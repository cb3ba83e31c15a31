import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The launchers of this package: beside this code where it is bundled, else in `dist/bin` above it. */
export function findLaunchers(): { readonly compiledPath: string; readonly nodePath: string } {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    for (const place of [directory, join(directory, "dist/bin")]) {
      const nodePath = join(place, "loom-launcher-node.js");
      if (existsSync(nodePath)) return { compiledPath: join(place, "loom-launcher"), nodePath };
    }
    if (directory === dirname(directory)) break;
  }
  throw new Error(
    `there is no launcher at or above ${start}; build the package with npm run build`,
  );
}
