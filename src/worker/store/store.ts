import { DataFiles } from "./data-files.ts";
import { ObjectIndex } from "./object-index.ts";
import type { ValueId } from "./value-id.ts";
import { ValueTable } from "./value-table.ts";

/** Who says whether data may come into memory. */
export type MemoryGate = {
  /**
   * Asks for so many bytes, before they are taken. Undefined: there is room, to be used in this turn.
   * Else it resolves when there is, with what is to be called once it is used; or rejects with a
   * TaskError, because the disk has no room either.
   */
  admit(sizeBytes: number): Promise<() => void> | undefined;
  /** Whether there is room for anything, and nobody waits. */
  hasRoom(): boolean;
  /** To be called when data has come without being asked for. */
  check(): void;
};

const WITHOUT_LIMIT: MemoryGate = {
  admit: () => undefined,
  hasRoom: () => true,
  check: () => {},
};

/** What a worker holds. */
export type Store = {
  readonly values: ValueTable;
  /** The data objects; each owns a reference to its value. */
  readonly objects: ObjectIndex;
  readonly memory: MemoryGate;
};

/** An empty store whose files lie in an existing directory. `onError` hears of files that could not be removed. */
export function createStore(
  dataDirectory: string,
  onError: (message: string) => void,
  gateOf: (values: ValueTable) => MemoryGate = () => WITHOUT_LIMIT,
): Store {
  const values = new ValueTable(new DataFiles(dataDirectory, onError));
  return { values, objects: new ObjectIndex(), memory: gateOf(values) };
}

/**
 * Makes the value the data object of this attempt, taking over the caller's reference. If the
 * object is there already, from another way, the earlier copy stays. True if it was new.
 */
export function putObject(store: Store, task: number, attempt: number, value: ValueId): boolean {
  if (store.objects.get(task, attempt) !== undefined) {
    store.values.release(value);
    return false;
  }
  store.objects.add(task, attempt, value);
  return true;
}

/** Removes the object, if it is there. Who uses its value at the moment keeps it until then. */
export function dropObject(store: Store, task: number, attempt: number): void {
  const value = store.objects.delete(task, attempt);
  if (value !== undefined) store.values.release(value);
}
