import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./process.mjs";

// In dist/, so that removing dist/ is enough to have it built again.
const STAMP = join(ROOT, "dist/build-stamp");

const SINGLE_INPUTS = [
  "package.json",
  "package-lock.json",
  "tsconfig.base.json",
  "tsconfig.json",
  "scripts/bundle.mjs",
  "scripts/build-launcher.mjs",
];

/** A hash of the contents of everything that the build reads; times of files say nothing after a checkout. */
function hashInputs() {
  const hash = createHash("sha256").update(process.version);
  const sources = ["src", "launcher"]
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .sort();
  const singles = SINGLE_INPUTS.map((name) => join(ROOT, name)).filter(existsSync);
  for (const path of [...singles, ...sources]) {
    hash.update(path.slice(ROOT.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

/** Whether dist/ was built from the sources as they are now. */
export function buildIsFresh() {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === hashInputs();
}

/** To be called after a successful build. */
export function markBuildFresh() {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(STAMP, hashInputs());
}
