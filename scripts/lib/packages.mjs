import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./process.mjs";

/**
 * Whether node_modules holds exactly what package-lock.json asks for. npm writes the hidden lock
 * file last, so an installation that was interrupted does not pass.
 */
export function packagesAreInstalled() {
  const installedPath = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installedPath)) return false;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  const wanted = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
  const isAsWanted = ([path, { version, optional }]) =>
    path === "" ||
    installed[path]?.version === version ||
    // Binaries for other systems are listed but not installed.
    (optional && installed[path] === undefined);
  return (
    Object.entries(wanted).every(isAsWanted) &&
    Object.keys(installed).every((path) => path in wanted)
  );
}
