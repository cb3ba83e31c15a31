import { createRandom } from "../../core/base/random.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import { CPUS } from "../../core/model/symbols.ts";
import { groupOf, presetGroup } from "../../core/scheduler/groups.ts";
import { createSchedulerState, type SchedulerState } from "../../core/scheduler/state.ts";
import type { WorkerEvent } from "../../core/worker/events.ts";
import { VirtualClock } from "../clock.ts";
import type { Workflow } from "../workflows/workflow.ts";
import { createFlowNetwork } from "./flow-network.ts";
import { DEFAULT_MAKESPAN_OPTIONS, type MakespanOptions } from "./makespan-options.ts";
import { createPlainServer } from "./plain-server.ts";
import { createPlainWorker, type PlainWorker, type PlainWorld } from "./plain-worker.ts";
import { type Labeling, planWorkflow, type WorkflowPlan } from "./workflow-plan.ts";

export type MakespanReport = {
  readonly makespanUs: number;
  /** Share of all cpus that tasks used until the end. */
  readonly utilization: number;
  readonly transfers: number;
  readonly bytesMoved: number;
  /** The most streams that one worker sent at the same time. */
  readonly streamsMax: number;
  /** Share of the time that the server was busy; 0 without costs. */
  readonly serverBusyShare: number;
  readonly serverMessages: number;
};

const LABELINGS = {
  known: "each-task",
  learned: "group",
  unknown: "none",
} as const satisfies Record<MakespanOptions["knowledge"], Labeling>;

/**
 * How long the workflow takes on a cluster of equal workers, both brains as they are in the real one,
 * with the data links as `createFlowNetwork` describes them. The work itself takes the workflow's
 * time; nothing else does, but for what the options say. Throws where it does not come to an end,
 * which is a bug of a policy.
 */
export function simulateMakespan(
  workflow: Workflow,
  given: Partial<MakespanOptions> = {},
): MakespanReport {
  const options = { ...DEFAULT_MAKESPAN_OPTIONS, ...given };
  const largest = workflow.tasks.reduce((most, { cpus }) => Math.max(most, cpus), 0);
  if (largest > options.cpusPerWorker) {
    throw new HyperloomError(
      "invalid-argument",
      `A task of ${workflow.name} asks for ${largest} cpus, and workers have ${options.cpusPerWorker}.`,
    );
  }
  const planned = planWorkflow(workflow, LABELINGS[options.knowledge]);
  const clock = new VirtualClock();
  const network = createFlowNetwork(clock, options);
  const state = createSchedulerState({ policy: options.policy, bytesPerUs: options.bytesPerUs });
  if (options.knowledge === "known") presetGroups(state, planned);
  const workers = new Map<number, PlainWorker>();
  const after = (action: () => void): void => {
    clock.schedule(options.latencyUs, action);
  };
  const server = createPlainServer(clock, state, options.serverCosts, (workerId, event) => {
    const tell = (told: WorkerEvent): void => workers.get(workerId)?.handle(told);
    after(() => tell(event));
  });
  const world: PlainWorld = {
    clock,
    network,
    durationsUs: noisy(planned.durationsUs, options),
    sizesBytes: planned.sizesBytes,
    report: (event) => after(() => server.receive(event)),
    busyCpuUs: 0,
  };
  for (let workerId = 1; workerId <= options.workers; workerId += 1) {
    workers.set(workerId, createPlainWorker(world, workerId, options.cpusPerWorker));
    const offer = [{ resource: CPUS, amount: options.cpusPerWorker }];
    server.receive({ kind: "worker-joined", atMs: 0, workerId, name: `worker ${workerId}`, offer });
    if (options.latencyUs === 0) continue;
    const roundTripMs = (2 * options.latencyUs) / 1_000;
    server.receive({ kind: "round-trip-measured", atMs: 0, workerId, roundTripMs });
  }
  server.receive({
    kind: "plan-submitted",
    atMs: 0,
    clientId: 1,
    plan: planned.plan,
    loadable: undefined,
  });
  const resultCount = planned.plan.isResult.reduce((sum, isResult) => sum + isResult, 0);
  while (server.finishedCount < resultCount) {
    if (clock.advance()) continue;
    throw new Error(
      `${workflow.name} with ${options.policy?.name ?? "our policy"}: nothing more happens after ` +
        `${clock.nowUs()} us, and ${server.finishedCount} of ${resultCount} results are there`,
    );
  }
  const makespanUs = clock.nowUs();
  return {
    makespanUs,
    utilization: world.busyCpuUs / (makespanUs * options.workers * options.cpusPerWorker),
    transfers: network.totals.transfers,
    bytesMoved: network.totals.bytes,
    streamsMax: network.totals.streamsMax,
    serverBusyShare: server.busyUs / makespanUs,
    serverMessages: server.messages,
  };
}

/** Tells the scheduler how long each task takes before it begins; sizes are not known to it. */
function presetGroups(state: SchedulerState, { plan, durationsUs }: WorkflowPlan): void {
  for (let i = 0; i < plan.taskCount; i += 1) {
    const start = plan.labels?.starts[i] ?? 0;
    const bytes = plan.bytes.subarray(start, start + (plan.labels?.lengths[i] ?? 0));
    const label = String.fromCharCode(...bytes);
    if (label === "") continue;
    const group = groupOf(state.groups, plan.taskTypes[i] as number, label);
    presetGroup(state.groups, group, durationsUs[i] as number);
  }
}

/** What the tasks really take: the seed's own deviation from what is known. */
function noisy(durationsUs: Float64Array, { seed, noise }: MakespanOptions): Float64Array {
  const random = createRandom(seed);
  return durationsUs.map((us) => us * (1 + noise * (2 * random.unit() - 1)));
}
