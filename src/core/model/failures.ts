/** Why an attempt failed, by its own fault, with its whole story. Data, not an exception. */
export type TaskFailure = {
  /** What a person reads; for a program it holds the exit status and its stderr. */
  readonly message: string;
  /** Exit code of the program, where one ran and exited. */
  readonly exitCode?: number;
  /** Name of the signal that ended the program, such as `SIGKILL`. */
  readonly signal?: string;
  /** The program's stderr, cut at 128 KiB. */
  readonly stderr?: string;
};
