import type { Random } from "../core/base/random.ts";

/** What can go wrong, by the names that the command line knows. */
export const FAULT_NAMES = [
  /** Workers are killed, and others take their place a little later. */
  "lost",
  /** One worker executes at a twentieth of the usual speed. */
  "slow",
  /** Workers join when work is already under way, or before there is any worker at all. */
  "late",
  /** The first client leaves in the middle. */
  "leave",
  /** The first client releases results that are not finished. */
  "release",
  /** One pull in ten breaks off. */
  "flaky",
  /** One checkpoint file in three is not there for the worker that is to load it. */
  "vanish",
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

/** When what happens. Times count from the start, in microseconds. */
export type FaultPlan = {
  /** For each worker of the beginning: when it joins, and how much slower than usual it executes. */
  readonly workers: readonly { readonly joinsAtUs: number; readonly slowness: number }[];
  /** One of the workers that are there then is killed; one like it joins so much later. */
  readonly kills: readonly { readonly atUs: number; readonly replacedAfterUs: number }[];
  readonly clientLeavesAtUs: number | undefined;
  readonly releasesAtUs: readonly number[];
  readonly breakProbability: number;
  readonly vanishProbability: number;
};

/** `expectedUs` is about how long the workload takes without faults. */
export function planFaults(
  random: Random,
  faults: ReadonlySet<FaultName>,
  workerCount: number,
  expectedUs: number,
): FaultPlan {
  const moment = (): number => random.unit() * expectedUs;
  const everybodyIsLate = random.unit() < 0.2;
  const workers = Array.from({ length: workerCount }, (_, position) => {
    const isLate = faults.has("late") && (position > 0 || everybodyIsLate);
    return {
      joinsAtUs: isLate ? moment() : 0,
      slowness: faults.has("slow") && position === 0 ? 20 : 1,
    };
  });
  const killCount = faults.has("lost") ? 1 + random.below(2) : 0;
  const releaseCount = faults.has("release") ? 2 : 0;
  return {
    workers,
    kills: Array.from({ length: killCount }, () => ({
      atUs: moment(),
      replacedAfterUs: random.unit() * 200_000,
    })),
    clientLeavesAtUs: faults.has("leave") ? moment() : undefined,
    releasesAtUs: Array.from({ length: releaseCount }, moment),
    breakProbability: faults.has("flaky") ? 0.1 : 0,
    vanishProbability: faults.has("vanish") ? 1 / 3 : 0,
  };
}
