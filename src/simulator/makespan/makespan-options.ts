import type { Policy } from "../../core/scheduler/policy.ts";

/**
 * What the scheduler knows of durations: each task's own, as from an oracle; what it learns of the
 * tasks of a group while they run; or only what it learns of all together.
 */
export type Knowledge = "known" | "learned" | "unknown";

export const KNOWLEDGES: readonly Knowledge[] = ["known", "learned", "unknown"];

/** What the server spends, as measured on the real one, in microseconds of its only thread. */
export type ServerCosts = {
  readonly messageUs: number;
  /** For each task that is finished, its next assignment included. */
  readonly taskUs: number;
};

export type MakespanOptions = {
  readonly workers: number;
  readonly cpusPerWorker: number;
  /** Of each worker's link in each direction; Infinity for transfers that take no time. */
  readonly bytesPerUs: number;
  /** One way, between any two. */
  readonly latencyUs: number;
  readonly knowledge: Knowledge;
  /** Decides what is random: each task takes up to `noise` more or less than the workflow says. */
  readonly seed: number;
  readonly noise: number;
  /** Undefined: the product's own. */
  readonly policy: Policy | undefined;
  /** Undefined: the server takes no time. */
  readonly serverCosts: ServerCosts | undefined;
};

export const DEFAULT_MAKESPAN_OPTIONS: MakespanOptions = {
  workers: 8,
  cpusPerWorker: 4,
  bytesPerUs: 1_000,
  latencyUs: 0,
  knowledge: "known",
  seed: 1,
  noise: 0,
  policy: undefined,
  serverCosts: undefined,
};
