import { ITEMS_MARK } from "../../core/model/items-mark.ts";
import type { Items } from "../tasks/task.ts";

/**
 * For a function to return: an array of the cluster, of which each item is a data object of its own
 * and can be had by itself, by `tasks.get` or `tasks.dget`. Without it, a list is one value, unless
 * it holds nothing but bytes.
 */
export function items<const T extends readonly unknown[]>(list: T): Items<T> {
  return Object.defineProperty([...list], ITEMS_MARK, { value: true }) as unknown as Items<T>;
}
