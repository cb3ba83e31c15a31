/** From what nobody needs to see to what somebody must act upon. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** What a line is about, by name: ids, addresses, amounts with their unit in the name. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Says one thing to the operator: a sentence without variable parts, and fields that carry those.
 * Passed in by whoever starts a shell; where the lines go is decided there.
 */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;
