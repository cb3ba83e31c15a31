import type { RunConfig } from "../../../protocol/client/run-config.ts";
import type { Protection } from "../../launcher/program.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";

/** A `run` task that is executed. */
export type ProgramTask = {
  readonly values: ValueTable;
  readonly inputs: readonly ValueId[];
  readonly run: RunConfig;
  /** The task's directory, its program's cwd. */
  readonly directory: string;
  /** Whether links to the store's files are safe. */
  readonly protection: Protection;
  readonly signal: AbortSignal;
};
