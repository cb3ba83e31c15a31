import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { Unavailable } from "./cases.ts";
import { ROOT } from "./paths.ts";

const bundled = new Map<string, Promise<string>>();

/**
 * Bundles a program of `benchmarks/inner` with the sources of the checkout that is measured, whose
 * inner protocol may be another one than this checkout's.
 * @returns the path of the bundle
 */
export function bundleFor(directory: string, program: string): Promise<string> {
  const key = `${directory}\0${program}`;
  const made = bundled.get(key) ?? bundle(directory, program);
  bundled.set(key, made);
  return made;
}

async function bundle(directory: string, program: string): Promise<string> {
  if (!existsSync(join(directory, "src"))) {
    throw new Unavailable(`${directory} has no src/, which the stubs are made of`);
  }
  const hash = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  const outfile = join(ROOT, `.setup/benchmarks/${program}-${hash}.js`);
  const ownSources = /^(\.\.\/)+src\//;
  await build({
    entryPoints: [join(ROOT, `benchmarks/inner/${program}.ts`)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
    plugins: [
      {
        name: "sources of the measured checkout",
        setup({ onResolve }) {
          onResolve({ filter: ownSources }, ({ path, importer }) =>
            dirname(importer) === join(ROOT, "benchmarks/inner")
              ? { path: join(directory, path.replace(/^(\.\.\/)+/, "")) }
              : undefined,
          );
        },
      },
    ],
  });
  return outfile;
}
