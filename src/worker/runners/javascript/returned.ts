import { ITEMS_MARK } from "../../../core/model/items-mark.ts";

/** A task, as a builder of this package makes it. */
export type ReturnedTask = {
  /** Symbol id of a built-in task type, or the name of an extension's. */
  readonly taskType: number | string;
  readonly inputs: readonly unknown[];
  readonly config: Uint8Array | string;
  readonly details: {
    readonly checkpoint: string | undefined;
    readonly resources:
      | { readonly amounts: readonly (readonly [symbol: string, amount: number])[] }
      | undefined;
  };
};

/**
 * Whether it is a task: recognized by what it has, because the bundle of the function has a copy of
 * this package of its own.
 */
export function isTask(value: unknown): value is ReturnedTask {
  if (typeof value !== "object" || value === null) return false;
  if (!("taskType" in value && "inputs" in value && "config" in value && "details" in value)) {
    return false;
  }
  const { inputs, config } = value;
  return Array.isArray(inputs) && (typeof config === "string" || config instanceof Uint8Array);
}

/** Text goes out in UTF-8. */
export const configOf = ({ config }: ReturnedTask): Uint8Array =>
  typeof config === "string" ? Buffer.from(config) : config;

export function isItems(value: readonly unknown[]): boolean {
  return ITEMS_MARK in value;
}
