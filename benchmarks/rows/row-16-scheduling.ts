import { bundleFor } from "../harness/bundle-for.ts";
import {
  type Case,
  type Figures,
  type Row,
  type RunContext,
  Unavailable,
} from "../harness/cases.ts";
import { profileArgs } from "../harness/cluster.ts";
import { runForJson } from "../harness/run-driver.ts";
import type { ComparisonRequest } from "../inner/compare-policies.ts";
import { dataDirectory } from "./row-15-workflows.ts";

const MIB = 2 ** 20;
const TIMEOUT_MS = 30 * 60_000;

async function compare(
  context: RunContext,
  folder: string,
  knowledge: ComparisonRequest["knowledge"],
): Promise<Figures> {
  const { subject, quick } = context;
  if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
  const request: ComparisonRequest = {
    directory: dataDirectory(context, folder),
    knowledge,
    seeds: quick ? 1 : 5,
    tasksMax: quick ? 100 : 2_000,
    clusters: quick
      ? [[8, 4]]
      : [
          [8, 4],
          [32, 4],
          [64, 24],
        ],
    bandwidths: quick ? [256 * MIB] : [32 * MIB, 512 * MIB, 8192 * MIB],
  };
  const program = await bundleFor(subject.directory, "compare-policies");
  const args = [...profileArgs(context, "simulation"), program, JSON.stringify(request)];
  return runForJson<Figures>([process.execPath, ...args], { timeoutMs: TIMEOUT_MS });
}

function caseOf(folder: string, knowledge: ComparisonRequest["knowledge"]): Case {
  return {
    name: `${folder}, durations ${knowledge}`,
    headline: "overBestSingle",
    goals: [
      { figure: "overBestSingle", atMost: 1 },
      { figure: "casesWithin3Percent", atLeast: 90 },
      { figure: "casesWithin15Percent", atLeast: 100 },
      { figure: "worstOverRandom", atMost: 1 },
    ],
    // Everything in it comes from seeds: a second run gives the same.
    runs: 1,
    measure: async (context) => {
      const startMs = performance.now();
      const figures = await compare(context, folder, knowledge);
      const wallSeconds = (performance.now() - startMs) / 1000;
      return { wallSeconds, cpuSeconds: {}, peakBytes: {}, figures };
    },
  };
}

export const ROW: Row = {
  number: 16,
  title: "Scheduling: simulated makespan over that of published policies",
  isLong: true,
  cases: () =>
    ["estee", "wfinstances"].flatMap((folder) =>
      (["known", "learned", "unknown"] as const).map((knowledge) => caseOf(folder, knowledge)),
    ),
};
