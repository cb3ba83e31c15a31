import { BUILTIN_SYMBOLS } from "../../core/model/symbols.ts";

/** Translates between our numbers of symbols and those of the server's dictionary. */
export type SymbolTable = {
  /** The server's id of a built-in symbol; undefined if this server does not know it. */
  readonly builtinId: (symbol: number) => number | undefined;
  /** The server's id of a name, undefined if its dictionary lacks it. */
  readonly idOf: (name: string) => number | undefined;
  /** The server's name of an id. */
  readonly nameOf: (id: number) => string | undefined;
};

export function createSymbolTable(dictionary: readonly string[]): SymbolTable {
  const ids = new Map(dictionary.map((name, id) => [name, id]));
  const builtinIds = BUILTIN_SYMBOLS.map((name) => ids.get(name));
  return {
    builtinId: (symbol) => builtinIds[symbol],
    idOf: (name) => ids.get(name),
    nameOf: (id) => dictionary[id],
  };
}
