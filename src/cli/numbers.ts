import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** A whole number from `min` to `max`; anything else is a usage error that names the option. */
export function parseWholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CliError(
    EXIT.usage,
    `${option} must be a whole number from ${min} to ${max}, but is '${text}'`,
  );
}

/** A number of seconds >= 0, as milliseconds. */
export function parseSecondsAsMs(option: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(seconds)) return seconds * 1000;
  throw new CliError(EXIT.usage, `${option} must be a number of seconds, but is '${text}'`);
}

const UNITS = ["", "K", "M", "G", "T"];

/** Bytes, from `min` up, as in 2G or 1.5GiB; units are powers of 1024. */
export function parseSizeBytes(option: string, text: string, min: number): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase()));
  if (bytes >= min && Number.isSafeInteger(bytes)) return bytes;
  throw new CliError(
    EXIT.usage,
    `${option} must be a size${min > 0 ? ` of at least ${min / 1024 ** 2}M` : ""}, such as 2G, but is '${text}'`,
  );
}

export const MAX_PORT = 65_535;
