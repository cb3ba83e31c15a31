import {
  BUILTIN_SYMBOLS,
  CPUS,
  MEMORY_UNIT_BYTES,
  RESOURCE_PREFIX,
} from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";

/**
 * What a task needs while it runs, by name: whole numbers, such as `{ cpus: 2, gpus: 1 }`. A name
 * without a slash is short for `loom/resource/<name>`. `memory` is a size such as `"2G"` or
 * `"512M"`, in powers of 1024, or a number of MiB; whoever uses more than that is ended.
 */
export type Resources = {
  readonly cpus?: number;
  readonly memory?: number | string;
  readonly [name: string]: number | string | undefined;
};

/** A checked request. Equal requests have equal keys, so a plan holds each of them once. */
export type ResourceAmounts = {
  readonly key: string;
  /** Symbols and amounts above 0, in the order of the symbols. */
  readonly amounts: readonly (readonly [symbol: string, amount: number])[];
};

const MAX_AMOUNT = 2 ** 31 - 1;
const CPUS_SYMBOL: string = BUILTIN_SYMBOLS[CPUS];

/** What programs and writers of files ask for unless they say otherwise. */
export const ONE_CPU: ResourceAmounts = { key: `${CPUS_SYMBOL}=1`, amounts: [[CPUS_SYMBOL, 1]] };

const isAmount = (amount: number): boolean =>
  Number.isInteger(amount) && amount >= 0 && amount <= MAX_AMOUNT;

const UNITS = "KMGT";

/** A size in units of MiB, rounded up. */
function memoryAmount(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([KMGT])(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** (UNITS.indexOf(unit.toUpperCase()) + 1);
  const amount = Math.ceil(bytes / MEMORY_UNIT_BYTES);
  if (isAmount(amount)) return amount;
  throw invalidArgument(
    `resources.memory must be a size such as "2G" or "512M", or a number of MiB, but is ${JSON.stringify(text)}`,
  );
}

/** Checks a request; what `resources` does not name is as in `base`. Undefined: asks for nothing. */
export function requestOf(
  resources: Resources | undefined,
  base: ResourceAmounts | undefined,
): ResourceAmounts | undefined {
  if (resources === undefined) return base;
  const bySymbol = new Map<string, number>(base?.amounts);
  for (const [name, given] of Object.entries(resources)) {
    if (given === undefined) continue;
    const amount = typeof given === "string" && name === "memory" ? memoryAmount(given) : given;
    if (typeof amount !== "number" || !isAmount(amount)) {
      throw invalidArgument(
        `resources.${name} must be a whole number from 0 to 2^31 - 1, but is ${amount}`,
      );
    }
    bySymbol.set(name.includes("/") ? name : `${RESOURCE_PREFIX}${name}`, amount);
  }
  const amounts = [...bySymbol].filter(([, amount]) => amount > 0);
  if (amounts.length === 0) return undefined;
  amounts.sort(([a], [b]) => (a < b ? -1 : 1));
  const key = amounts.map(([symbol, amount]) => `${symbol}=${amount}`).join(" ");
  return key === ONE_CPU.key ? ONE_CPU : { key, amounts };
}
