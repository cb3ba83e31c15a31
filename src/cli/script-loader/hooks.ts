// Lets Node import TypeScript, and `hyperloom` from anywhere. Node calls these hooks in a thread of
// their own. A module keeps its own URL, so `import.meta` and stack traces point at the source.
import { readFile } from "node:fs/promises";
import type { LoadHook, ResolveHook } from "node:module";
import { fileURLToPath } from "node:url";

/** What the script's imports of this package mean: the very package whose command line runs it. */
const OWN_MODULES: Readonly<Record<string, string>> = {
  hyperloom: "./client.js",
  "hyperloom/worker": "./extension.js",
  "hyperloom/simulator": "../simulator/index.js",
};

const IS_RELATIVE = /^\.{0,2}\//;
const IS_TYPESCRIPT = /\.m?ts$/;
const IS_PACKAGE = /\/node_modules\//;

/** Other spellings of a relative import: without an extension, or with that of the compiled file. */
const respell = (specifier: string): readonly string[] =>
  specifier.endsWith("js")
    ? [specifier.replace(/js$/, "ts")]
    : [`${specifier}.ts`, `${specifier}/index.ts`];

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const own = OWN_MODULES[specifier];
  if (own !== undefined) {
    return { url: new URL(own, import.meta.url).href, format: "module", shortCircuit: true };
  }
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (!IS_RELATIVE.test(specifier)) throw error;
    for (const spelling of respell(specifier)) {
      try {
        return await nextResolve(spelling, context);
      } catch {
        // The error of the spelling that the author wrote is the one to show.
      }
    }
    throw error;
  }
};

/** To what this version of Node can run, with its map back to the source. */
async function compile(url: string, source: string, loader: "ts" | "js"): Promise<string> {
  // Loaded here because most imports of a script are packages that need no compiler.
  const { transform } = await import("esbuild");
  const { code } = await transform(source, {
    loader,
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    sourcefile: fileURLToPath(url),
  });
  return code;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const isOwnFile = url.startsWith("file:") && !IS_PACKAGE.test(url);
  if (isOwnFile && IS_TYPESCRIPT.test(url)) {
    const source = await compile(url, await readFile(new URL(url), "utf8"), "ts");
    return { format: "module", source, shortCircuit: true };
  }
  const loaded = await nextLoad(url, context);
  if (!isOwnFile || loaded.format !== "module" || loaded.source == null) return loaded;
  // Node 20 knows no `await using`; everything else in a JavaScript module is left as it is.
  const source =
    typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
  return /\busing\b/.test(source)
    ? { ...loaded, source: await compile(url, source, "js") }
    : { ...loaded, source };
};
