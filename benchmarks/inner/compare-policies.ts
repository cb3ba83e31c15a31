// Our scheduler and those of others on the same workflows, in the same simulator, with the same
// knowledge: `compare-policies.js '{"directory": ..., "knowledge": "learned", "seeds": 5, ...}'`.

import type { Knowledge } from "../../src/simulator/makespan/makespan-options.ts";
import { simulateMakespan } from "../../src/simulator/makespan/simulate-makespan.ts";
import { POLICIES, POLICY_NAMES, type PolicyName } from "../../src/simulator/policies/catalog.ts";
import type { Workflow } from "../../src/simulator/workflows/workflow.ts";
import { geometricMean, median } from "../harness/statistics.ts";
import { readData } from "./read-data.ts";

export type ComparisonRequest = {
  readonly directory: string;
  readonly knowledge: Knowledge;
  readonly seeds: number;
  /** Workflows of more tasks are left out. */
  readonly tasksMax: number;
  /** Workers and cpus of each. */
  readonly clusters: readonly (readonly [number, number])[];
  readonly bandwidths: readonly number[];
};

/** So much more or less than known does each task take. */
const NOISE = 0.1;
const LATENCY_US = 100;

type Makespans = Readonly<Record<PolicyName, number>>;

/** The median makespan of each policy over the seeds. */
function compare(
  workflow: Workflow,
  workers: number,
  cpusPerWorker: number,
  bytesPerSecond: number,
  { knowledge, seeds }: ComparisonRequest,
): Makespans {
  const entries = POLICY_NAMES.map((name) => {
    const makespans = Array.from({ length: seeds }, (_, index) => {
      const seed = index + 1;
      const report = simulateMakespan(workflow, {
        workers,
        cpusPerWorker,
        bytesPerUs: bytesPerSecond / 1e6,
        latencyUs: LATENCY_US,
        knowledge,
        seed,
        noise: NOISE,
        policy: POLICIES[name](seed),
      });
      return report.makespanUs;
    });
    return [name, median(makespans)] as const;
  });
  return Object.fromEntries(entries) as Record<PolicyName, number>;
}

const request = JSON.parse(process.argv[2] ?? "{}") as ComparisonRequest;
const cases: Makespans[] = [];
for (const workflow of readData(request.directory)) {
  if (workflow.tasks.length > request.tasksMax) continue;
  const cpusMax = Math.max(...workflow.tasks.map(({ cpus }) => cpus));
  for (const [workers, cpus] of request.clusters) {
    if (cpusMax > cpus) continue;
    for (const bandwidth of request.bandwidths) {
      cases.push(compare(workflow, workers, cpus, bandwidth, request));
    }
  }
}

const others = POLICY_NAMES.filter((name) => name !== "hyperloom");
const overPolicy = (name: PolicyName): number =>
  geometricMean(cases.map((makespans) => makespans.hyperloom / makespans[name]));
const overBest = cases.map(
  (makespans) => makespans.hyperloom / Math.min(...others.map((name) => makespans[name])),
);
const shareWithin = (ratio: number): number =>
  overBest.filter((over) => over <= ratio).length / overBest.length;
const figures = {
  overBestSingle: Math.max(...others.map(overPolicy)),
  casesWithin3Percent: 100 * shareWithin(1.03),
  casesWithin15Percent: 100 * shareWithin(1.15),
  worstOverBest: Math.max(...overBest),
  worstOverRandom: Math.max(...cases.map((makespans) => makespans.hyperloom / makespans.random)),
  ...Object.fromEntries(others.map((name) => [`over ${name}`, overPolicy(name)])),
  cases: cases.length,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
