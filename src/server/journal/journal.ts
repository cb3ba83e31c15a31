import type { JournalRecord } from "../../core/model/journal-record.ts";

/** Where a server writes down what the next one must know. */
export type Journal = {
  /** What workers and clients may attach to again: made once, kept in the journal. */
  readonly clusterId: string;
  /** Takes one record; it is encoded before this returns, written and made safe in the background. */
  append(record: JournalRecord): void;
};
