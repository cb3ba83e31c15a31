import type { ArrowLibrary } from "../../../core/model/arrow-table.ts";
import { ARROW_READER, ARROW_WRITER } from "../../../core/model/bundle-exports.ts";
import type { LoadedModule } from "./load-module.ts";

/**
 * The copy of apache-arrow that came along in a bundle. Functions get tables of that copy, and it
 * writes what they return: tables of different copies do not mix. Undefined if the module does
 * without Arrow.
 */
export function findArrow(module: LoadedModule | undefined): ArrowLibrary | undefined {
  const reader = module?.[ARROW_READER];
  const writer = module?.[ARROW_WRITER];
  if (typeof reader !== "function" || typeof writer !== "function") return undefined;
  return { tableFromIPC: (bytes) => reader(bytes), tableToIPC: (...args) => writer(...args) };
}

/** Throws what tells a user how to have Arrow in a function. */
export function requireArrow(arrow: ArrowLibrary | undefined, what: string): ArrowLibrary {
  if (arrow !== undefined) return arrow;
  throw new TypeError(
    `${what} is an Arrow table, and the module of the function does not import apache-arrow. ` +
      "Install apache-arrow beside the module and import it there, if only its types; or take the " +
      "bytes of the table, by asBytes(task).",
  );
}
