import type { Fault } from "./fault.ts";

/**
 * A journal is kept, and the server dies at some of its writes: before anything of it is on the
 * disk, when all of it is, or in the middle of it. Another one takes its place a little later.
 */
export const died: Fault = ({ random, conditions }) => {
  conditions.keepsJournal = true;
  const deaths = 1 + random.below(3);
  for (let count = 0; count < deaths; count += 1) {
    const ends = ["before", "after", "torn"] as const;
    conditions.deaths.push({
      atWrite: 1 + Math.floor(random.unit() ** 2 * 12),
      end: ends[random.below(ends.length)] ?? "torn",
      restartedAfterUs: random.unit() ** 2 * 2_000_000,
    });
  }
};
