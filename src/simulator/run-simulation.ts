import { createRandom } from "../core/base/random.ts";
import type { ResourceOffer } from "../core/model/resources.ts";
import { CPUS } from "../core/model/symbols.ts";
import { createAnswerChecker } from "./checkers/answers.ts";
import { createExecutionChecker } from "./checkers/executions.ts";
import { createLeakChecker } from "./checkers/leaks.ts";
import { createObjectChecker } from "./checkers/objects.ts";
import { type Checker, CheckFailed, type EndState } from "./checkers/observation.ts";
import { createOracle, type Oracle } from "./checkers/oracle.ts";
import { createResourceChecker } from "./checkers/resources.ts";
import { createResultChecker } from "./checkers/results.ts";
import { VirtualClock } from "./clock.ts";
import { type FaultPlan, planFaults } from "./faults.ts";
import { createHistory } from "./history.ts";
import { createLink, type Link } from "./link.ts";
import { createPeerNetwork } from "./peer-network.ts";
import type { SimulationReport } from "./report.ts";
import { createSimulatedClient, type SimulatedClient } from "./simulated-client.ts";
import { createSimulatedServer } from "./simulated-server.ts";
import { createSimulatedWorker, type SimulatedWorker } from "./simulated-worker.ts";
import { SimulationFailure } from "./simulation-failure.ts";
import { DEFAULT_OPTIONS, type SimulationOptions } from "./simulation-options.ts";
import { durationOfTaskUs } from "./values.ts";
import { WORKLOADS } from "./workloads/catalog.ts";
import { GPUS, LICENSES } from "./workloads/mixtures.ts";
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

/** Every second worker offers more than cpus. */
function offerOf(position: number, options: SimulationOptions): ResourceOffer {
  const cpus = { resource: CPUS, amount: options.cpusPerWorker };
  if (position % 2 === 1) return [cpus];
  return [cpus, { resource: GPUS, amount: 1 }, { resource: LICENSES, amount: 2 }];
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

/** All that is in the world besides the server: who is there now and how they come and go. */
type Population = {
  readonly workers: Map<number, SimulatedWorker>;
  readonly clients: readonly SimulatedClient[];
};

function populate(
  world: World,
  options: SimulationOptions,
  submissions: ReadonlyMap<number, Submission>,
  faults: FaultPlan,
): Population & { readonly server: ReturnType<typeof createSimulatedServer> } {
  const { clock, random } = world;
  const server = createSimulatedServer(world);
  const workers = new Map<number, SimulatedWorker>();
  const positions = new Map<number, number>();
  const timing = { latencyUs: options.latencyUs, jitterUs: options.latencyUs / 2 };

  const addWorker = (position: number, slowness: number): void => {
    const offer = offerOf(position, options);
    let worker: SimulatedWorker | undefined;
    const toWorker = createLink<Uint8Array>(
      clock,
      random,
      timing,
      (frame) => worker?.onFrame(frame),
      () => {},
    );
    const workerId = server.connectWorker(toWorker, offer);
    const link = createLink<Uint8Array>(
      clock,
      random,
      timing,
      (frame) => server.onWorkerFrame(workerId, frame),
      () => server.onWorkerEnd(workerId),
    );
    worker = createSimulatedWorker(world, { workerId, offer, slowness, link });
    workers.set(workerId, worker);
    positions.set(workerId, position);
  };

  const killSomeWorker = (replacedAfterUs: number): void => {
    const alive = [...workers.values()];
    const victim = alive[random.below(Math.max(1, alive.length))];
    if (victim === undefined) return;
    workers.delete(victim.workerId);
    victim.kill();
    const position = positions.get(victim.workerId) ?? 0;
    clock.scheduleInBackground(replacedAfterUs, () => addWorker(position, 1));
  };

  for (const [position, { joinsAtUs, slowness }] of faults.workers.entries()) {
    clock.scheduleInBackground(joinsAtUs, () => addWorker(position, slowness));
  }
  for (const { atUs, replacedAfterUs } of faults.kills) {
    clock.scheduleInBackground(atUs, () => killSomeWorker(replacedAfterUs));
  }

  const clients = [...submissions].map(([clientId, { workload }]) => {
    const link: Link<Uint8Array> = createLink(
      clock,
      random,
      timing,
      (frame) => server.onClientFrame(clientId, frame),
      () => server.onClientEnd(clientId),
    );
    const client = createSimulatedClient(world, {
      clientId,
      workload,
      random: createRandom(options.seed + clientId),
      fetchShare: options.fetchShare,
      link,
    });
    server.connectClient(
      clientId,
      createLink(clock, random, timing, client.onDelivery, () => {}),
      // Each other one is as an old client.
      clientId % 2 === 0,
    );
    clock.schedule(0, client.start);
    return client;
  });
  const [first] = clients;
  if (first !== undefined && faults.clientLeavesAtUs !== undefined) {
    clock.scheduleInBackground(faults.clientLeavesAtUs, first.leave);
  }
  for (const atUs of faults.releasesAtUs) {
    clock.scheduleInBackground(atUs, () => first?.releaseUnfinished(0.3));
  }
  return { server, workers, clients };
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
  const faults = planFaults(
    createRandom(options.seed ^ 0x5f5f),
    new Set(options.faults),
    options.workerCount,
    expectedDurationUs(submissions, options),
  );
  const network = createPeerNetwork(clock, random, {
    latencyUs: options.latencyUs,
    bytesPerUs: options.bytesPerUs,
    breakProbability: faults.breakProbability,
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
    vanishProbability: faults.vanishProbability,
    sabotage,
    givesAhead: options.givesAhead,
    workPerStep: options.workPerStep,
    checksInvariants: options.checksInvariants,
    totals: { messages: 0, messageBytes: 0, executions: 0 },
    observe: (observation) => {
      for (const checker of checkers) checker.observe(observation);
    },
  };
  const { server, workers, clients } = populate(world, options, submissions, faults);

  const tick = (): void => {
    server.tick();
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
      tasks: server.state.tasks.liveCount,
      objects: server.state.objectCount,
      clients: server.countStrayClients(),
    },
    workers: [...workers.values()].map((worker) => worker.summarize()),
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
      scheduler: { ...server.state.counters },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimulationFailure(options, reason, describe(), error);
  }
}
