import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { ArrowLibrary } from "../../core/model/arrow-table.ts";
import { unreadable } from "./decode-leaf.ts";

let loading: Promise<ArrowLibrary> | undefined;

/**
 * The apache-arrow that the user's program has, imported when the first table comes. It is an
 * optional dependency: rejects with a HyperloomError that says what to install.
 */
export function loadArrow(): Promise<ArrowLibrary> {
  loading ??= importArrow();
  return loading;
}

async function importArrow(): Promise<ArrowLibrary> {
  try {
    return (await import(findBesideProgram() ?? "apache-arrow")) as ArrowLibrary;
  } catch (cause) {
    loading = undefined;
    throw unreadable(
      "The result is an Arrow table, and apache-arrow cannot be imported here: " +
        `${(cause as Error).message}. Install it by 'npm install apache-arrow', or take the bytes ` +
        "of the table, an IPC stream, by future.stream() or future.fetch({ to: path }).",
      cause,
    );
  }
}

/**
 * The copy that the program itself imports: this package may lie elsewhere and find another, and
 * tables of different copies do not mix. Undefined if the program has none.
 */
function findBesideProgram(): string | undefined {
  const program = process.argv[1] ?? `${process.cwd()}/program`;
  try {
    // Node tells programs where packages are only as `require` would have them.
    const required = createRequire(pathToFileURL(program)).resolve("apache-arrow");
    const imported = required.replace(/\.js$/, ".mjs");
    return pathToFileURL(existsSync(imported) ? imported : required).href;
  } catch {
    return undefined;
  }
}
