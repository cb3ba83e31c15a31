import { createHash } from "node:crypto";
import { unlinkSync, writeFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ResultPlace } from "./write-result.ts";

/** What a module exports. */
export type LoadedModule = Readonly<Record<string, unknown>>;

/** Modules by the hash of their code. */
export type ModuleCache = {
  /** Rejects with what the module throws. */
  load(code: Buffer): Promise<LoadedModule>;
};

/** Written by the client, in a line near the end: packages that are to be found here. */
const EXTERNALS = /^\/\/# hyperloomExternals=(.*)$/m;

export function createModuleCache(place: ResultPlace): ModuleCache {
  const modules = new Map<string, Promise<LoadedModule>>();
  let findsPackages = false;
  return {
    load(code) {
      const hash = createHash("sha256").update(code).digest("hex");
      let loading = modules.get(hash);
      if (loading === undefined) {
        const text = code.toString();
        if (!findsPackages && EXTERNALS.test(text)) {
          findsPackages = true;
          findPackagesHere();
        }
        loading = importCode(place, text);
        modules.set(hash, loading);
      }
      return loading;
    },
  };
}

/** Node imports modules from files; the code is all in memory once it is imported. */
async function importCode(place: ResultPlace, code: string): Promise<LoadedModule> {
  const path = join(place.directory, `${place.createName()}.mjs`);
  writeFileSync(path, code, { flag: "wx" });
  try {
    return (await import(pathToFileURL(path).href)) as LoadedModule;
  } finally {
    unlinkSync(path);
  }
}

/** Has imports of packages, which fail beside the data, looked for from the directory of the worker. */
function findPackagesHere(): void {
  const from = pathToFileURL(join(process.cwd(), "package.json")).href;
  const hooks = `export async function resolve(specifier, context, next) {
    try {
      return await next(specifier, context);
    } catch (error) {
      if (/^(\\.|\\/|[a-z]+:)/.test(specifier)) throw error;
      return next(specifier, { ...context, parentURL: ${JSON.stringify(from)} });
    }
  }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
