import { BUILTIN_SYMBOLS, CPUS, RESOURCE_PREFIX } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";

/**
 * What a task needs while it runs, by name: whole numbers, such as `{ cpus: 2, gpus: 1 }`. A name
 * without a slash is short for `loom/resource/<name>`.
 */
export type Resources = { readonly cpus?: number; readonly [name: string]: number | undefined };

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

/** Checks a request; what `resources` does not name is as in `base`. Undefined: asks for nothing. */
export function requestOf(
  resources: Resources | undefined,
  base: ResourceAmounts | undefined,
): ResourceAmounts | undefined {
  if (resources === undefined) return base;
  const bySymbol = new Map<string, number>(base?.amounts);
  for (const [name, amount] of Object.entries(resources)) {
    if (amount === undefined) continue;
    if (!Number.isInteger(amount) || amount < 0 || amount > MAX_AMOUNT) {
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
