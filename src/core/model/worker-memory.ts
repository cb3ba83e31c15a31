/** What a worker says of its memory, in bytes. */
export type MemoryReport = {
  readonly limitBytes: number;
  /** By data in memory, functions and programs. */
  readonly usedBytes: number;
  /** Data on disk that was in memory before. */
  readonly spilledBytes: number;
  /** It has more data than it should: what makes less of it comes first. */
  readonly isTight: boolean;
};
