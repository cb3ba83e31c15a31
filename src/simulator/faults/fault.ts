import type { Random } from "../../core/base/random.ts";
import type { Cluster } from "../cluster.ts";
import type { Conditions } from "../conditions.ts";

/**
 * Something that goes wrong. It is called once, before anything has begun: it changes the
 * conditions, and plans what is to happen at which moments.
 */
export type Fault = (stage: Stage) => void;

/** What a fault may touch. */
export type Stage = {
  /** Of this fault alone: what others draw does not change it. */
  readonly random: Random;
  /** How many workers and clients there are at the beginning. */
  readonly workerCount: number;
  readonly clientCount: number;
  /** About how long all takes without faults. */
  readonly expectedUs: number;
  /** What holds all the time, or until the fault changes it. */
  readonly conditions: Conditions;
  /** A moment by chance at which work is expected to go on, in microseconds from the start. */
  moment(): number;
  /**
   * `act` is called at that moment. `what` is for people, in the message of a simulation that
   * fails. Each such occurrence has a number, by which it can be left out.
   */
  at(atUs: number, what: string, act: (cluster: Cluster) => void): void;
};

/** One of the list by chance; undefined of none. */
export function pick<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items[random.below(Math.max(1, items.length))];
}
