import { HyperloomError } from "../../core/model/errors.ts";

/** Parsed JSON of which nothing is known. */
export type Json = unknown;

export type JsonObject = { readonly [key: string]: Json };

/** The file is not what it should be; `where` names the place in it. */
export function malformed(where: string, problem: string): HyperloomError {
  return new HyperloomError(
    "invalid-argument",
    `The workflow cannot be read: ${where} ${problem}.`,
  );
}

export function objectAt(value: Json, where: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw malformed(where, "is not an object");
}

export function arrayAt(value: Json, where: string): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw malformed(where, "is not an array");
}

export function textAt(value: Json, where: string): string {
  if (typeof value === "string") return value;
  throw malformed(where, "is not a string");
}

/** A finite number that is not negative. */
export function amountAt(value: Json, where: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw malformed(where, `is not a number >= 0, but ${describe(value)}`);
}

/** A whole number from `min` to `max`. */
export function wholeAt(value: Json, where: string, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw malformed(where, `is not a whole number from ${min} to ${max}, but ${describe(value)}`);
}

const describe = (value: Json): string =>
  value === undefined ? "missing" : (JSON.stringify(value) ?? typeof value).slice(0, 40);
