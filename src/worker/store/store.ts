import { DataFiles } from "./data-files.ts";
import { ObjectIndex } from "./object-index.ts";
import type { ValueId } from "./value-id.ts";
import { ValueTable } from "./value-table.ts";

/** What a worker holds. */
export type Store = {
  readonly values: ValueTable;
  /** The data objects; each owns a reference to its value. */
  readonly objects: ObjectIndex;
};

/** An empty store whose files lie in an existing directory. `onError` hears of files that could not be removed. */
export function createStore(dataDirectory: string, onError: (message: string) => void): Store {
  return {
    values: new ValueTable(new DataFiles(dataDirectory, onError)),
    objects: new ObjectIndex(),
  };
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
