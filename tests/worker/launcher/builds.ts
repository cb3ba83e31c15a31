import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Launchers built from the sources as they are now, in a directory of their own. */
export type Builds = {
  readonly directory: string;
  readonly compiledPath: string;
  /** Whether a C compiler made the file at `compiledPath`. */
  readonly hasCompiled: boolean;
  readonly nodePath: string;
  /** A worker that only starts the programs of its first argument; see `fixtures/tiny-worker.ts`. */
  readonly tinyWorkerPath: string;
};

export async function createBuilds(): Promise<Builds> {
  const directory = mkdtempSync(join(tmpdir(), "loom-launcher-builds-"));
  const compiledPath = join(directory, "loom-launcher");
  execFileSync(process.execPath, [join(ROOT, "scripts/build-launcher.mjs"), compiledPath]);
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      "node-launcher": "src/worker/launcher/node-launcher.ts",
      "tiny-worker": "tests/worker/launcher/fixtures/tiny-worker.ts",
    },
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  return {
    directory,
    compiledPath,
    hasCompiled: existsSync(compiledPath),
    nodePath: join(directory, "node-launcher.mjs"),
    tinyWorkerPath: join(directory, "tiny-worker.mjs"),
  };
}

export function removeBuilds(builds: Builds): void {
  rmSync(builds.directory, { recursive: true, force: true });
}
