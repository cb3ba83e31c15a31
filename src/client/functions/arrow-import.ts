import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Metafile, StdinOptions } from "esbuild";
import { ARROW_READER, ARROW_WRITER } from "../../core/model/bundle-exports.ts";
import { findExecutable } from "../cluster/executables.ts";
import { packageOf } from "./native-packages.ts";

const PACKAGE = "apache-arrow";
/** An import, if only of types, of which a bundle keeps nothing. */
const MENTION = /["']apache-arrow["']/;

/**
 * If a module has to do with Arrow, directly or by a package: what to bundle in its place, a module
 * that exports the same and what reads and writes tables, of the same copy of apache-arrow.
 * @param path of the module
 * @param metafile of its bundle
 */
export function findArrowImport(path: string, metafile: Metafile): StdinOptions | undefined {
  const importer = findImporter(dirname(path), metafile);
  if (importer === undefined) return undefined;
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  const module = JSON.stringify(path);
  const lines = [
    `export * from ${module};`,
    `export { tableFromIPC as ${ARROW_READER}, tableToIPC as ${ARROW_WRITER} } from "${PACKAGE}";`,
  ];
  if (output?.exports.includes("default")) lines.push(`export { default } from ${module};`);
  return { contents: lines.join("\n"), resolveDir: dirname(importer), sourcefile: "with-arrow.js" };
}

/** A file of the bundle that imports Arrow, one of the user's own rather than one of a package. */
function findImporter(directory: string, { inputs }: Metafile): string | undefined {
  // This package speaks of Arrow too, whoever imports it.
  const ours = dirname(findExecutable("client.js"));
  const files = Object.entries(inputs).map(([name, { imports }]) => {
    const file = resolve(directory, name);
    const isOwn = packageOf(file) === undefined && dirname(file) !== ours;
    const imported = imports.some(({ original, path }) => (original ?? path) === PACKAGE);
    return { file, isOwn, imported };
  });
  const own = files.find(({ file, isOwn }) => isOwn && MENTION.test(readFileSync(file, "utf8")));
  return (own ?? files.find(({ imported }) => imported))?.file;
}
