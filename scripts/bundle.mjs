// Bundles the executables and the public entry points into dist/bin with esbuild.
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT_DIR = join(ROOT, "dist/bin");

/** Started often and alone: all of their code in one file, which loads 10 ms sooner than several. */
const STANDALONE = {
  "loom-server": "src/cli/loom-server.ts",
  "loom-worker": "src/cli/loom-worker.ts",
  "loom-launcher-node": "src/worker/launcher/node-launcher.ts",
  "loom-runner": "src/worker/runners/javascript/main.ts",
};
/** Share their code, and load lazily what is rare. */
const SPLIT = {
  hyperloom: "src/cli/main.ts",
  client: "src/client/index.ts",
  extension: "src/worker/extension.ts",
  "script-loader": "src/cli/script-loader/register.ts",
  "script-loader-hooks": "src/cli/script-loader/hooks.ts",
};

const OPTIONS = {
  absWorkingDir: ROOT,
  outdir: OUT_DIR,
  bundle: true,
  // Beside the executables, so that all code finds them by the same relative address.
  chunkNames: "chunk-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: "linked",
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
};

const results = await Promise.all([
  build({ ...OPTIONS, entryPoints: STANDALONE }),
  build({ ...OPTIONS, entryPoints: SPLIT, splitting: true }),
]);

for (const name of ["hyperloom", ...Object.keys(STANDALONE)]) {
  chmodSync(join(OUT_DIR, `${name}.js`), 0o755);
}

// Chunks carry a hash in their names, so those of earlier builds pile up.
const written = new Set(
  results.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) => join(ROOT, path)),
);
for (const name of readdirSync(OUT_DIR)) {
  const path = join(OUT_DIR, name);
  if (/\.js(\.map)?$/.test(name) && !written.has(path)) rmSync(path);
}
