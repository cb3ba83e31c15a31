import { BUILTIN_SYMBOLS, isDynamic, RESOURCE_PREFIX, TASK_TYPE } from "../core/model/symbols.ts";

/** Extension symbols in all: ids fit into 16 bits, and no client can fill the memory with names. */
const SYMBOLS_MAX = 32_768;

/** The names that the protocols refer to by number, of this run of the server. */
export type Symbols = {
  readonly names: readonly string[];
  /** The names that are not built in. */
  added(): { readonly firstId: number; readonly names: readonly string[] };
  /** Gives these names the ids that they had in another run, from `firstId` on. */
  restore(firstId: number, names: readonly string[]): void;
  /** The symbol's id, made when it is new; undefined when there are too many. */
  intern(name: string): number | undefined;
  nameOf(id: number): string;
  isTaskType(id: number): boolean;
  isResource(id: number): boolean;
};

const BUILTIN_TASK_TYPES: ReadonlySet<number> = new Set(Object.values(TASK_TYPE));

/** `onAdded` hears of each name that is new. */
export function createSymbols(onAdded: (id: number, name: string) => void = () => {}): Symbols {
  const names: string[] = [...BUILTIN_SYMBOLS];
  const ids = new Map(names.map((name, id) => [name, id]));
  const isResource = (id: number): boolean => names[id]?.startsWith(RESOURCE_PREFIX) ?? false;
  return {
    names,
    intern(name) {
      const known = ids.get(name);
      if (known !== undefined) return known;
      if (names.length >= BUILTIN_SYMBOLS.length + SYMBOLS_MAX) return undefined;
      const id = names.length;
      ids.set(name, id);
      names.push(name);
      onAdded(id, name);
      return id;
    },
    added: () => ({ firstId: BUILTIN_SYMBOLS.length, names: names.slice(BUILTIN_SYMBOLS.length) }),
    restore(firstId, restored) {
      restored.forEach((name, i) => {
        names[firstId + i] = name;
        ids.set(name, firstId + i);
      });
    },
    nameOf: (id) => names[id] ?? `symbol ${id}`,
    isTaskType: (id) =>
      id < BUILTIN_SYMBOLS.length
        ? BUILTIN_TASK_TYPES.has(id) || isDynamic(id)
        : id < names.length && !isResource(id),
    isResource,
  };
}
