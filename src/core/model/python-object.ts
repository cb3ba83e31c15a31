/** The key of what a handle stands for: its pickle, or where that lies. */
export const HELD: unique symbol = Symbol.for("hyperloom/python-object");

/**
 * A handle to an object that only Python understands (a pickle). It may be passed on: as an argument
 * of a function, in an array of arguments, or as what a function returns. Whatever else is done with
 * it throws a TypeError that says so.
 */
export type PythonObject = {
  /** Of its pickle. */
  readonly sizeBytes: number;
  /** @internal */
  readonly [HELD]: unknown;
};

/** Asked for by `await`, by `instanceof` and by tools that print values, of anything. */
const ASKED_OF_ANYTHING: ReadonlySet<PropertyKey> = new Set(["then", "constructor"]);
const CONVERTS: ReadonlySet<PropertyKey> = new Set([
  Symbol.toPrimitive,
  Symbol.iterator,
  Symbol.asyncIterator,
]);

export function createPythonObject(held: unknown, sizeBytes: number): PythonObject {
  return new Proxy(Object.freeze({ sizeBytes, [HELD]: held }), {
    get(target, key) {
      if (Object.hasOwn(target, key)) return target[key as keyof PythonObject];
      const isHarmless = typeof key === "symbol" ? !CONVERTS.has(key) : ASKED_OF_ANYTHING.has(key);
      if (isHarmless) return undefined;
      throw new TypeError(
        `This is a handle to a Python object (a pickle of ${sizeBytes} bytes), which only Python ` +
          `functions can use; TypeScript may pass it on. Read was: ${String(key)}`,
      );
    },
  });
}

export function isPythonObject(value: unknown): value is PythonObject {
  return typeof value === "object" && value !== null && HELD in value;
}
