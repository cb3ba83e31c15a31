import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type { BuildFailure, BuildOptions, BuildResult, Message } from "esbuild";
import { HyperloomError } from "../../core/model/errors.ts";
import { findExecutable } from "../cluster/executables.ts";
import { findArrowImport } from "./arrow-import.ts";
import { findNativePackages, packageOf } from "./native-packages.ts";
import { pointAtSources } from "./source-map.ts";

/** A module and all that it imports, as one. */
export type Bundle = {
  /** SHA-256 of the code. */
  readonly hash: string;
  /** JavaScript with its map to the sources inside. */
  readonly code: Uint8Array;
  /** Names that the module exports. */
  readonly exports: ReadonlySet<string>;
  /** Packages that could not be taken along, beside those that were not to be. */
  readonly leftOut: readonly string[];
};

/** Tells the runner which packages are to be found on the worker: a line near the end of the code. */
const EXTERNALS_MARK = "//# hyperloomExternals=";

/** This package itself, wherever the module lies. */
const OWN_PACKAGES: Readonly<Record<string, string>> = {
  "hyperloom/worker": "extension.js",
  hyperloom: "client.js",
};

/** CommonJS packages take `require` for granted. */
const BANNER =
  'import { createRequire as __createRequire } from "node:module";var require = __createRequire(import.meta.url);';

/** Packages that fail to be bundled may hide further ones. */
const TRIES_MAX = 8;

/**
 * Makes one file of a module and all that it imports, npm packages included. It works in the calling
 * thread, about 50 ms for a small module, so that tasks have their code when they are submitted.
 * Throws a HyperloomError with the code `module-not-bundled`.
 */
export function bundleModule(path: string, external: readonly string[]): Bundle {
  const externals = new Set(external);
  for (let tries = 1; ; tries++) {
    const first = build({ entryPoints: [path] }, path, externals);
    const built = first instanceof Error ? first : withArrow(first, path, externals);
    const found =
      built instanceof Error ? packagesOf(path, built.errors) : nativePackages(path, built);
    const unknown = found.filter((name) => !externals.has(name));
    if (!(built instanceof Error) && unknown.length === 0) {
      return finish(path, built, [...externals], external);
    }
    if (unknown.length === 0 || tries === TRIES_MAX) {
      throw notBundled(path, built instanceof Error ? built : undefined);
    }
    for (const name of unknown) externals.add(name);
  }
}

type Built = BuildResult<{ write: false; metafile: true }>;

/** A module that has to do with Arrow brings what reads and writes tables along. */
function withArrow(
  built: Built,
  path: string,
  externals: ReadonlySet<string>,
): Built | BuildFailure {
  const entry = findArrowImport(path, built.metafile);
  return entry === undefined ? built : build({ stdin: entry }, path, externals);
}

function build(
  entry: Pick<BuildOptions, "entryPoints" | "stdin">,
  path: string,
  externals: ReadonlySet<string>,
): Built | BuildFailure {
  // Loaded here: most programs have no functions.
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  const directory = dirname(path);
  const options = {
    ...entry,
    absWorkingDir: directory,
    outdir: directory,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "silent",
    banner: { js: BANNER },
    // Left out after all, once their packages are known.
    loader: { ".node": "empty" },
    external: [...externals],
    alias: Object.fromEntries(
      Object.entries(OWN_PACKAGES).map(([name, file]) => [name, findExecutable(file)]),
    ),
  } satisfies BuildOptions;
  try {
    return buildSync(options) as Built;
  } catch (error) {
    if (error instanceof Error && "errors" in error) return error as BuildFailure;
    throw error;
  }
}

/** The packages whose files have errors; none if a file of the user has one too. */
function packagesOf(path: string, errors: readonly Message[]): string[] {
  const names = errors.map(({ location }) =>
    location === null ? undefined : packageOf(resolve(dirname(path), location.file))?.name,
  );
  return names.includes(undefined) ? [] : (names as string[]);
}

function nativePackages(path: string, { metafile }: Built): string[] {
  const files = Object.keys(metafile.inputs).map((input) => resolve(dirname(path), input));
  const addOn = files.find((file) => file.endsWith(".node") && packageOf(file) === undefined);
  if (addOn === undefined) return findNativePackages(files);
  throw new HyperloomError(
    "module-not-bundled",
    `${path} imports ${addOn}, an add-on that is compiled for one kind of machine. ` +
      "Make it a package, install that where the workers run, and name it in `external`.",
  );
}

function finish(
  path: string,
  { metafile, outputFiles }: Built,
  externals: readonly string[],
  asked: readonly string[],
): Bundle {
  const text = (extension: string): string =>
    outputFiles.find((file) => file.path.endsWith(extension))?.text ?? "";
  const map = pointAtSources(text(".map"), dirname(path));
  const mark = externals.length === 0 ? "" : `${EXTERNALS_MARK}${JSON.stringify(externals)}\n`;
  const mapUrl = `data:application/json;base64,${Buffer.from(map).toString("base64")}`;
  const code = Buffer.from(`${text(".js")}${mark}//# sourceMappingURL=${mapUrl}\n`);
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  return {
    hash: createHash("sha256").update(code).digest("hex"),
    code,
    exports: new Set(output?.exports),
    leftOut: externals.filter((name) => !asked.includes(name)),
  };
}

function notBundled(path: string, failure: BuildFailure | undefined): HyperloomError {
  const errors = failure?.errors ?? [];
  const reasons = errors.map(({ location, text }) =>
    location === null ? text : `${location.file}:${location.line}: ${text}`,
  );
  return new HyperloomError(
    "module-not-bundled",
    `${path} and what it imports cannot be made one file for the workers: ${reasons.join("; ")}`,
    failure === undefined ? undefined : { cause: failure },
  );
}
