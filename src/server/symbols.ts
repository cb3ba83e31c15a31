import { BUILTIN_SYMBOLS, isDynamic, RESOURCE_PREFIX, TASK_TYPE } from "../core/model/symbols.ts";

/** Extension symbols in all: ids fit into 16 bits, and no client can fill the memory with names. */
const SYMBOLS_MAX = 32_768;

/** The names that the protocols refer to by number, of this run of the server. */
export type Symbols = {
  readonly names: readonly string[];
  /** The symbol's id, made when it is new; undefined when there are too many. */
  intern(name: string): number | undefined;
  nameOf(id: number): string;
  isTaskType(id: number): boolean;
  isResource(id: number): boolean;
};

const BUILTIN_TASK_TYPES: ReadonlySet<number> = new Set(Object.values(TASK_TYPE));

export function createSymbols(): Symbols {
  const names: string[] = [...BUILTIN_SYMBOLS];
  const ids = new Map(names.map((name, id) => [name, id]));
  const isResource = (id: number): boolean => names[id]?.startsWith(RESOURCE_PREFIX) ?? false;
  return {
    names,
    intern(name) {
      const known = ids.get(name);
      if (known !== undefined) return known;
      if (names.length >= BUILTIN_SYMBOLS.length + SYMBOLS_MAX) return undefined;
      ids.set(name, names.length);
      names.push(name);
      return names.length - 1;
    },
    nameOf: (id) => names[id] ?? `symbol ${id}`,
    isTaskType: (id) =>
      id < BUILTIN_SYMBOLS.length
        ? BUILTIN_TASK_TYPES.has(id) || isDynamic(id)
        : id < names.length && !isResource(id),
    isResource,
  };
}
