import { bundleFor } from "../harness/bundle-for.ts";
import {
  type Case,
  type Row,
  type RunContext,
  type Sample,
  Unavailable,
} from "../harness/cases.ts";
import { measureScenario, runForJson } from "../harness/run-driver.ts";
import type { ScalingRequest } from "../inner/scaling.ts";
import { measureStubs } from "./row-05-server.ts";
import { lightWorkers } from "./workers.ts";

/** Messages that the server takes or sends for one small plan: submit, assign, finish, tell, fetch, data, release. */
const MESSAGES_PER_ROUND_TRIP = 8;
const ROUND_TRIPS = 500;

/** What the server of this build spends on this machine now, on a task of many and on a message. */
async function measureCosts(context: RunContext): Promise<{ taskUs: number; messageUs: number }> {
  const { figures } = await measureStubs(context, 64, "array", 100_000, 3);
  const small = await measureScenario(
    context,
    "roundTrips",
    { count: ROUND_TRIPS },
    {
      workers: lightWorkers(1),
    },
  );
  const serverSeconds = small.cpuSeconds["server"] ?? Number.NaN;
  return {
    taskUs: figures["serverCpuUsPerTask"] ?? Number.NaN,
    messageUs: (serverSeconds / ROUND_TRIPS / MESSAGES_PER_ROUND_TRIP) * 1e6,
  };
}

type Shape = Pick<ScalingRequest, "tasks" | "perNode" | "durationUs">;

async function measure(
  context: RunContext,
  shape: Shape,
  nodes: readonly number[],
): Promise<Sample> {
  const { subject } = context;
  if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
  const costs = await measureCosts(context);
  const program = await bundleFor(subject.directory, "scaling");
  const startMs = performance.now();
  const request: ScalingRequest = { ...shape, ...costs, nodes };
  const args = ["--max-old-space-size=12000", program, JSON.stringify(request)];
  const efficiencies = await runForJson<number[]>([process.execPath, ...args]);
  const [one = Number.NaN] = efficiencies;
  return {
    wallSeconds: (performance.now() - startMs) / 1000,
    cpuSeconds: {},
    peakBytes: {},
    figures: {
      ...Object.fromEntries(
        nodes.map((count, index) => [`at${count}Nodes`, (efficiencies[index] ?? 0) / one]),
      ),
      serverTaskUs: costs.taskUs,
      serverMessageUs: costs.messageUs,
    },
  };
}

function caseOf(
  name: string,
  shape: Shape,
  nodes: readonly number[],
  at64: number,
  peers: string,
): Case {
  const largest = nodes.at(-1) ?? 64;
  const goals = [
    { figure: "at64Nodes", atLeast: at64 },
    { figure: "at512Nodes", atLeast: 0.9 },
  ];
  return {
    name,
    headline: `at${largest}Nodes`,
    goals: goals.slice(0, largest >= 512 ? 2 : 1),
    peers,
    runs: 1,
    measure: (context) => measure(context, shape, nodes),
  };
}

export const ROW: Row = {
  number: 17,
  title: "Scaling, simulated with the server's measured costs: efficiency relative to one node",
  cases: (quick) => {
    const nodes = quick ? [1, 8, 64] : [1, 8, 64, 512];
    const divisor = quick ? 10 : 1;
    const strong = { tasks: 460_000 / divisor, perNode: false, durationUs: 1_500_000 };
    const weak = { tasks: 12_500 / divisor, perNode: true, durationUs: 640_000 };
    return [
      caseOf("strong: 460k tasks of 1.5 s", strong, nodes, 0.97, "original 0.785 at 64"),
      caseOf("weak: 12.5k tasks of 0.64 s a node", weak, nodes, 0.98, "original 0.893 at 64"),
    ];
  },
};
