import { bundleFor } from "../harness/bundle-for.ts";
import type { Case, Row, RunContext, Sample } from "../harness/cases.ts";
import { Unavailable } from "../harness/cases.ts";
import { profileArgs, startCluster } from "../harness/cluster.ts";
import { runClient, runForJson } from "../harness/run-driver.ts";

/** A real server and client; workers that answer at once, in one process, on so many connections. */
export async function measureStubs(
  context: RunContext,
  connections: number,
  shape: string,
  size: number,
  repeats: number,
): Promise<Sample> {
  const { subject } = context;
  if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
  const stubs = await bundleFor(subject.directory, "stub-workers");
  await using cluster = await startCluster(context, { workers: [] });
  const { host, port } = cluster;
  const args = [...profileArgs(context, "stubs"), stubs, host, `${port}`, `${connections}`];
  cluster.addProcess("stubs", [process.execPath, ...args]);
  const sample = await runClient(context, "plans", { shape, size, repeats }, cluster, connections);
  const { serverCpuUsPerTask = Number.NaN } = sample.figures;
  return {
    ...sample,
    figures: { ...sample.figures, tasksPerServerCpuSecond: 1e6 / serverCpuUsPerTask },
  };
}

function caseOf(connections: number, size: number): Case {
  return {
    name: `${connections} connection${connections === 1 ? "" : "s"}`,
    headline: "tasksPerSecond",
    goals: [{ figure: "tasksPerSecond", atLeast: 1e6 }],
    peers: "HyperQueue 86-191k/s on nodes of 128 cores",
    runs: 3,
    measure: (context) => measureStubs(context, connections, "array", size, size < 1e6 ? 3 : 2),
  };
}

/** Rates at 64 connections and at one, of the same minute. */
async function measureRatio(context: RunContext, size: number): Promise<Sample> {
  const one = await measureStubs(context, 1, "array", size, 2);
  const many = await measureStubs(context, 64, "array", size, 2);
  const over = (figure: string): number =>
    (many.figures[figure] ?? Number.NaN) / (one.figures[figure] ?? Number.NaN);
  return {
    ...many,
    figures: { ratio: over("tasksPerSecond"), cpuRatio: over("tasksPerServerCpuSecond") },
  };
}

/** The brain alone at 1,000 workers and at 16, in a process of its own each. */
async function measureBrain(context: RunContext, shape: string, size: number): Promise<Sample> {
  const { subject } = context;
  if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
  const program = await bundleFor(subject.directory, "brain-loop");
  const startMs = performance.now();
  const rate = async (workers: number): Promise<number> => {
    const command = [...profileArgs(context, `brain ${shape} ${workers}`), program];
    const args = [...command, shape, `${size}`, `${workers}`];
    const figures = await runForJson<{ tasksPerSecond: number }>([process.execPath, ...args]);
    return figures.tasksPerSecond;
  };
  const few = await rate(16);
  const many = await rate(1000);
  return {
    wallSeconds: (performance.now() - startMs) / 1000,
    cpuSeconds: {},
    peakBytes: {},
    figures: {
      ratio: many / few,
      at16TasksPerSecond: few,
      at1000TasksPerSecond: many,
    },
  };
}

function brainCase(shape: string, goal: number, size: number): Case {
  return {
    name: `scheduler alone, ${shape}, 1,000 workers over 16`,
    headline: "ratio",
    goals: [{ figure: "ratio", atLeast: goal }],
    measure: (context) => measureBrain(context, shape, size),
  };
}

export const ROW: Row = {
  number: 5,
  title: "The server alone, with workers that answer at once",
  cases: (quick) => {
    const size = quick ? 100_000 : 1_000_000;
    return [
      ...(quick ? [1, 64] : [1, 4, 16, 64]).map((connections) => caseOf(connections, size)),
      {
        name: "64 connections over one",
        headline: "ratio",
        goals: [{ figure: "ratio", atLeast: 0.85 }],
        runs: 3,
        measure: (context) => measureRatio(context, size),
      },
      brainCase("independent", 0.8, size),
      brainCase("tree", 0.8, size),
      brainCase("grid", 0.6, size),
    ];
  },
};
