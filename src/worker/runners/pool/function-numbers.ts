import type { FunctionNumbers } from "../runner.ts";

/** Functions whose numbers are kept before those that nobody knows any more are forgotten. */
const NUMBERS_MAX = 16_384;

/** @param isKnown whether a runner knows the function, which then keeps its number */
export function createFunctionNumbers(isKnown: (key: string) => boolean): FunctionNumbers {
  const numbers = new Map<string, number>();
  let lastNumber = 0;

  const forgetSome = (): void => {
    for (const key of numbers.keys()) if (!isKnown(key)) numbers.delete(key);
  };

  return {
    numberOf: (key) => {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      if (numbers.size >= NUMBERS_MAX) forgetSome();
      lastNumber += 1;
      numbers.set(key, lastNumber);
      return lastNumber;
    },
  };
}
