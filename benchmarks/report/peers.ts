/** Tasks per second by number of tasks, as measured on a machine of this kind: 2 cores, loopback. */
export const PEER_THROUGHPUT: readonly {
  readonly name: string;
  readonly points: readonly (readonly [taskCount: number, tasksPerSecond: number])[];
}[] = [
  {
    name: "original",
    points: [
      [10_000, 99_000],
      [100_000, 42_000],
      [300_000, 16_000],
    ],
  },
  {
    name: "Dask",
    points: [
      [10_000, 2_400],
      [100_000, 2_400],
    ],
  },
];

/** Bytes per second of one 256 MB object. */
export const PEER_TRANSFERS = {
  original: 845e6,
  dask: 1.1e9,
  originalClient: 329e6,
} as const;
