import type { Log, LogFields, LogLevel } from "../core/base/log.ts";

const NEEDS_QUOTES = /[\s"=]/;

const formatValue = (value: string | number | boolean): string => {
  const text = String(value);
  return text === "" || NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text;
};

/**
 * One line for one event: time in UTC, level, sentence, then the fields as name=value.
 * Values with spaces, quotes or line breaks are quoted as in JSON, so a line stays a line.
 */
export function formatLogLine(
  at: Date,
  level: LogLevel,
  message: string,
  fields: LogFields = {},
): string {
  let line = `${at.toISOString()} ${level.toUpperCase()} ${message}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${name}=${formatValue(value)}`;
  }
  return `${line}\n`;
}

/**
 * A log that writes lines to a stream, stdout unless told otherwise.
 * @param isDebug whether lines of level `debug` are written too
 */
export function createLogSink(
  isDebug: boolean,
  stream: NodeJS.WritableStream = process.stdout,
): Log {
  // A reader that went away (`loom-server | head`) must not end the server.
  stream.on("error", () => undefined);
  return (level, message, fields) => {
    if (level === "debug" && !isDebug) return;
    stream.write(formatLogLine(new Date(), level, message, fields));
  };
}
