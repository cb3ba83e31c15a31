import { HyperloomError } from "../core/model/errors.ts";
import { EXIT } from "./exit-codes.ts";

/** Ends a command with a message for the person at the terminal and an exit status. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  readonly exitCode: number;

  /** @param exitCode one of `EXIT` */
  constructor(exitCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const EXIT_OF_CODE: Partial<Record<string, number>> = {
  "invalid-argument": EXIT.usage,
  "server-unreachable": EXIT.unreachable,
  "server-lost": EXIT.unreachable,
  "port-in-use": EXIT.portTaken,
  "work-directory-unusable": EXIT.workDirectory,
};

/** Which exit status stands for an error, whatever it is. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  return (error instanceof HyperloomError ? EXIT_OF_CODE[error.code] : undefined) ?? EXIT.failure;
}

/**
 * Says on stderr why a command failed: one sentence for what was foreseen, the whole stack for
 * what was not.
 * @returns the exit status
 */
export function reportError(program: string, error: unknown): number {
  const isForeseen = error instanceof CliError || error instanceof HyperloomError;
  const text = isForeseen ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${program}: ${text}\n`);
  return exitCodeOf(error);
}
