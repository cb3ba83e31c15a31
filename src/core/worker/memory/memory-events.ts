/** What has happened to the worker's memory. Times are monotone milliseconds. */
export type MemoryEvent =
  /** Bytes that are held now; `heldBytes` is what of this worker's data lies anywhere, also on disk. */
  | {
      readonly kind: "measured";
      readonly atMs: number;
      readonly storedBytes: number;
      readonly processBytes: number;
      readonly heldBytes: number;
    }
  /** Somebody is about to put so many bytes into memory. Answered by `admit` or `refuse`. */
  | {
      readonly kind: "asked";
      readonly atMs: number;
      readonly id: number;
      readonly sizeBytes: number;
    }
  /** What was admitted is there now, and part of what is measured; or it will not come. */
  | { readonly kind: "settled"; readonly atMs: number; readonly id: number }
  /** A spill has ended: its entries lie on disk, or, with a reason, are in memory as before. */
  | { readonly kind: "spilled"; readonly atMs: number }
  | {
      readonly kind: "spill-failed";
      readonly atMs: number;
      readonly entries: Uint32Array;
      readonly sizesBytes: Uint32Array;
      readonly reason: string;
    }
  /** Comes now and then while something waits. */
  | { readonly kind: "time-passed"; readonly atMs: number };

/** How full a worker's memory is. `tight`: it holds more than it should; `full`: nothing more comes in. */
export type MemoryLevel = "free" | "tight" | "full";

/** What the shell must now do about memory. */
export type MemoryCommand =
  /** Write these entries to disk, in this order. Ends in `spilled` or `spill-failed`; there is one at a time. */
  | { readonly kind: "spill"; readonly entries: Uint32Array }
  /** These may put what they asked for into memory. */
  | { readonly kind: "admit"; readonly ids: readonly number[] }
  /** There is no room in memory, and for this reason none on disk. */
  | { readonly kind: "refuse"; readonly ids: readonly number[]; readonly reason: string }
  | { readonly kind: "tell-level"; readonly level: MemoryLevel };
