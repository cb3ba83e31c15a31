import { ProtocolError } from "../protocol-error.ts";

/** What the decoder of a plan must know of the server's symbols. */
export type PlanContext = {
  /**
   * Symbol id of a name that the plan brings along, because its client's dictionary lacks it;
   * undefined where the server does not take the name. Ids are below 2^16.
   */
  readonly resolveSymbol: (name: string) => number | undefined;
  readonly isTaskType: (symbolId: number) => boolean;
  readonly isResource: (symbolId: number) => boolean;
};

/**
 * A plan that is decodable but may not run. It is refused whole; the frame was understood, so the
 * connection stays usable.
 */
export class PlanRefusal extends ProtocolError {
  override readonly name = "PlanRefusal";
  /** The client's number of the task at fault; undefined where it is the plan itself. */
  readonly clientTaskId: number | undefined;
  /** Where the plan's ids begin, once that is known. */
  idBase: number | undefined;

  constructor(message: string, clientTaskId?: number) {
    super(message);
    this.clientTaskId = clientTaskId;
  }
}

/** How an error names a task: its client knows the id, a reader of the bytes the row. */
export function taskName(idBase: number, row: number): string {
  return `task ${idBase + row} (row ${row} of the plan)`;
}

/** A refusal that names the task at fault. */
export function refuseTask(idBase: number, row: number, message: string): PlanRefusal {
  return new PlanRefusal(`${taskName(idBase, row)}: ${message}`, idBase + row);
}
