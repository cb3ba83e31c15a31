import { createRandom } from "../core/base/random.ts";
import { createAnswerChecker } from "./checkers/answers.ts";
import { createExecutionChecker } from "./checkers/executions.ts";
import { createLeakChecker } from "./checkers/leaks.ts";
import { createObjectChecker } from "./checkers/objects.ts";
import { type Checker, CheckFailed, type EndState } from "./checkers/observation.ts";
import { createOracle, type Oracle } from "./checkers/oracle.ts";
import { createResourceChecker } from "./checkers/resources.ts";
import { createResultChecker } from "./checkers/results.ts";
import { VirtualClock } from "./clock.ts";
import { createCluster } from "./cluster.ts";
import { createConditions } from "./conditions.ts";
import { arrangeFaults, scheduleFaults } from "./faults/arrange.ts";
import { createHistory } from "./history.ts";
import { createPeerNetwork } from "./peer-network.ts";
import type { SimulationReport } from "./report.ts";
import { SimulationFailure } from "./simulation-failure.ts";
import { DEFAULT_OPTIONS, type SimulationOptions } from "./simulation-options.ts";
import { durationOfTaskUs } from "./values.ts";
import { WORKLOADS } from "./workloads/catalog.ts";
import type { Workload } from "./workloads/workload.ts";
import type { Sabotage, World } from "./world.ts";

const TICK_US = 1_000_000;
/** After so many ticks without anything else under way, whoever still waits waits for ever. */
const IDLE_TICKS_MAX = 90;
const TASKS_MIN = 8;
const SALTS_PER_CLIENT = 10_000_000;

/** Actions after which a simulation goes round in circles. */
const eventLimit = (taskCount: number): number => 200_000 + 400 * taskCount;

type Submission = { readonly workload: Workload; readonly oracle: Oracle };

function createSubmissions(options: SimulationOptions): Map<number, Submission> {
  const submissions = new Map<number, Submission>();
  for (let clientId = 1; clientId <= options.clientCount; clientId += 1) {
    const workload = WORKLOADS[options.workload]({
      taskCount: Math.max(TASKS_MIN, options.taskCount),
      // All clients use the same ids and, but for their salts, the same shape.
      seed: options.seed,
      saltBase: clientId * SALTS_PER_CLIENT,
    });
    submissions.set(clientId, { workload, oracle: createOracle(workload) });
  }
  return submissions;
}

/** About how long it all takes if every cpu is always busy. */
function expectedDurationUs(
  submissions: ReadonlyMap<number, Submission>,
  options: SimulationOptions,
): number {
  let workUs = 0;
  for (const { workload } of submissions.values()) {
    for (const { tasks } of workload) {
      for (const { taskType, config } of tasks) workUs += durationOfTaskUs(taskType, config);
    }
  }
  return 5_000 + workUs / (options.workerCount * options.cpusPerWorker);
}

/**
 * Runs one cluster from the first plan to the last release, both brains and the codecs between them
 * as they are in the real one. Throws a SimulationFailure that says how to see it again.
 */
export function runSimulation(
  given: Partial<SimulationOptions>,
  sabotage: Sabotage = {},
): SimulationReport {
  const options: SimulationOptions = { ...DEFAULT_OPTIONS, ...given };
  const clock = new VirtualClock();
  const random = createRandom(options.seed);
  const submissions = createSubmissions(options);
  const oracles = new Map([...submissions].map(([id, { oracle }]) => [id, oracle]));
  const conditions = createConditions();
  const occurrences = arrangeFaults(options, conditions, expectedDurationUs(submissions, options));
  const network = createPeerNetwork(clock, random, {
    latencyUs: options.latencyUs,
    bytesPerUs: options.bytesPerUs,
    get breakProbability() {
      return conditions.breakProbability;
    },
  });
  const leaks = createLeakChecker();
  const checkers: readonly Checker[] = [
    createAnswerChecker(submissions),
    createExecutionChecker(),
    createResultChecker(oracles),
    createResourceChecker(),
    createObjectChecker(),
    leaks,
  ];
  const world: World = {
    clock,
    random,
    history: createHistory(),
    network,
    files: new Map(),
    conditions,
    failures: new Map(),
    sabotage,
    givesAhead: options.givesAhead,
    workPerStep: options.workPerStep,
    checksInvariants: options.checksInvariants,
    memoryBytes: options.memoryBytes,
    memoryTotals: { peakBytes: 0, spilledBytes: 0, heldPeakBytes: 0, largestBytes: 0 },
    totals: { messages: 0, messageBytes: 0, executions: 0 },
    observe: (observation) => {
      for (const checker of checkers) checker.observe(observation);
    },
  };
  const workloads = new Map([...submissions].map(([id, { workload }]) => [id, workload]));
  const cluster = createCluster(world, options, workloads);
  const { clients } = cluster;
  for (let position = 0; position < options.workerCount; position += 1) {
    const joinsAtUs = conditions.joinsAtUs[position] ?? 0;
    clock.scheduleInBackground(joinsAtUs, () => cluster.addWorker(position));
  }
  scheduleFaults(occurrences, clock, cluster);

  const tick = (): void => {
    cluster.server.tick();
    clock.scheduleInBackground(TICK_US, tick);
  };
  clock.scheduleInBackground(TICK_US, tick);

  let events = 0;
  /** Plays until nothing but ticks and faults is to come and `isOver` is true. */
  const play = (isOver: () => boolean): void => {
    let idleSinceUs = clock.nowUs();
    while (clock.pending > 0 || !isOver()) {
      if (clock.pending > 0) idleSinceUs = clock.nowUs();
      if (clock.nowUs() - idleSinceUs > IDLE_TICKS_MAX * TICK_US) {
        throw new CheckFailed("nothing more happens, and somebody still waits");
      }
      events += 1;
      if (events > eventLimit(options.taskCount * options.clientCount)) {
        throw new CheckFailed(`does not come to an end within ${events} events`);
      }
      clock.advance();
    }
  };

  const endState = (): EndState => ({
    scheduler: {
      tasks: cluster.server.state.tasks.liveCount,
      objects: cluster.server.state.objectCount,
      clients: cluster.server.countStrayClients(),
    },
    workers: cluster.workers().map((worker) => worker.summarize()),
  });

  const describe = (): string =>
    [
      `at ${clock.nowMs()} ms, after ${events} events`,
      ...clients.map((client) => client.describe()),
      `scheduler: ${JSON.stringify(endState().scheduler)}`,
      ...endState().workers.map(
        ({ workerId, objects, executions, pulls, tasks }) =>
          `worker ${workerId}: ${objects.length} objects, ${executions} executions, ` +
          `${pulls} pulls, ${tasks} tasks`,
      ),
    ].join("\n");

  try {
    play(() => clients.every((client) => client.isDone()));
    const makespanMs = clock.nowMs();
    // Releasing must be enough; leaving comes after.
    for (const checker of checkers) checker.finish(endState());
    for (const client of clients) client.leave();
    play(() => true);
    leaks.finish(endState());
    return {
      seed: options.seed,
      makespanMs,
      history: world.history.digest(),
      events,
      ...world.totals,
      transfers: network.totals.transfers,
      bytesMoved: network.totals.bytes,
      edgeBytes: [...oracles.values()].reduce((sum, oracle) => sum + oracle.edgeBytes, 0),
      memoryPeakBytes: world.memoryTotals.peakBytes,
      heldPeakBytes: world.memoryTotals.heldPeakBytes,
      largestBytes: world.memoryTotals.largestBytes,
      spilledBytes: world.memoryTotals.spilledBytes,
      scheduler: { ...cluster.server.state.counters },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimulationFailure(options, reason, describe(), error);
  }
}
