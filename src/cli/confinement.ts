import { type Confinement, createConfinement } from "../access/confinement.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** What `--allow-read` and `--allow-write` say; undefined where neither was given. */
export function confinementOf({
  allowRead: read,
  allowWrite: write,
}: {
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
}): Confinement | undefined {
  if (read.length + write.length === 0) return undefined;
  try {
    return createConfinement({ read, write });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(EXIT.usage, `A directory of --allow-read or --allow-write: ${reason}`);
  }
}
