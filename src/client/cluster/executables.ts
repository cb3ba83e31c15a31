import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { HyperloomError } from "../../core/model/errors.ts";

/**
 * The path of an executable of this package. It lies beside this module where that is bundled, and
 * in `dist/bin` above it where it runs from its sources.
 */
export function findExecutable(name: string): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    const candidates = [join(directory, name), join(directory, "dist/bin", name)];
    const found = candidates.find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (directory === dirname(directory)) break;
  }
  throw new HyperloomError(
    "cluster-start-failed",
    `There is no dist/bin/${name} at or above ${start}; build the package with npm run build.`,
  );
}
