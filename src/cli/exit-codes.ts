/** Exit statuses of all executables; documented in docs/command-line.md, which a test compares. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** Something went wrong that has no status of its own. */
  failure: 1,
  /** A bad option, argument or script path. */
  usage: 2,
  /** No server answers at the address. */
  unreachable: 3,
  /** The port, or the host's address, cannot be listened on. */
  portTaken: 4,
  /** The work directory cannot be made or written. */
  workDirectory: 5,
  /** What was waited for did not happen in time. */
  timedOut: 6,
} as const;

/** 128 + the signal's number, as shells report it. */
export const EXIT_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof EXIT_BY_SIGNAL;
