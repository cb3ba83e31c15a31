import type { JournalRecord } from "../../core/model/journal-record.ts";

/** Where a server writes down what the next one must know. */
export type Journal = AsyncDisposable & {
  /** What workers and clients may attach to again: made once, kept in the journal. */
  readonly clusterId: string;
  /**
   * Takes a record that the scheduler commanded; it is encoded before this returns, written and made
   * safe in the background, together with what came meanwhile.
   */
  append(record: JournalRecord): void;
  /** The same for what the server itself knows; it is not counted among the scheduler's records. */
  note(record: JournalRecord): void;
  /** Calls `action` once so many of the scheduler's records are safe; at once if they are. */
  whenSafe(recordCount: number, action: () => void): void;
  /** Why nothing can be written now; tried again until it can. */
  readonly failure: string | undefined;
};
