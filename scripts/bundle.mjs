// Bundles the executables and the public entry points into dist/bin with esbuild.
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT_DIR = join(ROOT, "dist/bin");

const EXECUTABLES = {
  hyperloom: "src/cli/main.ts",
  "loom-server": "src/cli/loom-server.ts",
  "loom-worker": "src/cli/loom-worker.ts",
  "loom-launcher-node": "src/worker/launcher/node-launcher.ts",
};
const MODULES = {
  client: "src/client/index.ts",
  extension: "src/worker/extension.ts",
  "script-loader": "src/cli/script-loader/register.ts",
  "script-loader-hooks": "src/cli/script-loader/hooks.ts",
};

const result = await build({
  absWorkingDir: ROOT,
  entryPoints: { ...EXECUTABLES, ...MODULES },
  outdir: OUT_DIR,
  bundle: true,
  // Shared code is loaded once, and what a command loads lazily stays in a file of its own.
  splitting: true,
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
});

for (const name of Object.keys(EXECUTABLES)) {
  chmodSync(join(OUT_DIR, `${name}.js`), 0o755);
}

// Chunks carry a hash in their names, so those of earlier builds pile up.
const written = new Set(Object.keys(result.metafile.outputs).map((path) => join(ROOT, path)));
for (const name of readdirSync(OUT_DIR)) {
  const path = join(OUT_DIR, name);
  if (/\.js(\.map)?$/.test(name) && !written.has(path)) rmSync(path);
}
