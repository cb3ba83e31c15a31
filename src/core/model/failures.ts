/**
 * What kinds of failures there are, in the order of their numbers on the wire and of their bits in
 * `TaskPolicy.retriedKinds`; new ones come at the end.
 *
 * `error`: what the task was given, or its function, is at fault · `program-failed`: a program ended
 * with a status other than 0 or by a signal · `timed-out`: it exceeded its time limit ·
 * `out-of-memory`: it was ended because of memory · `worker-lost`: it was running on too many workers
 * that were lost · `input-failed`: a task that it needs failed · `canceled`: somebody asked for that ·
 * `disk-full`: its worker had no room for its data.
 */
export const FAILURE_KINDS = [
  "error",
  "program-failed",
  "timed-out",
  "out-of-memory",
  "worker-lost",
  "input-failed",
  "canceled",
  "disk-full",
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Why an attempt failed, by its own fault, with its whole story. Data, not an exception. */
export type TaskFailure = {
  /** What a person reads; for a program it holds the exit status and its stderr. */
  readonly message: string;
  /** Absent: `error`. */
  readonly kind?: FailureKind;
  /** Exit code of the program, where one ran and exited. */
  readonly exitCode?: number;
  /** Name of the signal that ended the program, such as `SIGKILL`. */
  readonly signal?: string;
  /** The program's stderr, cut at 128 KiB. */
  readonly stderr?: string;
  /** What became of the attempts before this one, a line each. */
  readonly story?: readonly string[];
};

export const kindOf = ({ kind }: TaskFailure): FailureKind => kind ?? "error";

/** The bit of a kind in `TaskPolicy.retriedKinds`. */
export const bitOf = (kind: FailureKind): number => 1 << FAILURE_KINDS.indexOf(kind);
