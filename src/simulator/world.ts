import type { Random } from "../core/base/random.ts";
import type { JournalRecord } from "../core/model/journal-record.ts";
import type { SchedulerState } from "../core/scheduler/state.ts";
import type { ClientResponse } from "../protocol/client/client-response.ts";
import type { FromWorker, ToWorker } from "../protocol/worker/messages.ts";
import type { Observation } from "./checkers/observation.ts";
import type { VirtualClock } from "./clock.ts";
import type { Conditions } from "./conditions.ts";
import type { History } from "./history.ts";
import type { PeerNetwork } from "./peer-network.ts";
import type { MemoryTotals } from "./simulated-memory.ts";
import type { SimulatedValue } from "./values.ts";

/**
 * Deliberate damage, by which tests show that the checkers see what they are for. Each gets a
 * message just before it is sent and answers what is sent in its place.
 */
export type Sabotage = {
  readonly toWorker?: (message: ToWorker, workerId: number) => readonly ToWorker[];
  readonly fromWorker?: (message: FromWorker, workerId: number) => readonly FromWorker[];
  readonly toClient?: (response: ClientResponse, clientId: number) => readonly ClientResponse[];
  /** Rows of a worker's `execute` command. */
  readonly execute?: (rows: Uint32Array, workerId: number) => Uint32Array;
  /** Whether the worker takes what it kills for ended though it goes on. */
  readonly kill?: (workerId: number) => boolean;
  /**
   * A journal is kept, for all clients: gets what each step of the scheduler writes down, and its
   * state; answers how many of all records are safe by now.
   */
  readonly onStep?: (records: readonly JournalRecord[], state: SchedulerState) => number;
  /** A value just before it is stored. */
  readonly store?: (value: SimulatedValue, workerId: number) => SimulatedValue;
};

/** What all parts of a simulation share. */
export type World = {
  readonly clock: VirtualClock;
  /** For choices of the world; workloads and faults have sources of their own. */
  readonly random: Random;
  readonly history: History;
  readonly network: PeerNetwork;
  /** Checkpoint files by path, on a file system that server and workers share. */
  readonly files: Map<string, SimulatedValue>;
  readonly conditions: Conditions;
  /** How often work has failed that does not fail for good, by its name. */
  readonly failures: Map<string, number>;
  readonly observe: (observation: Observation) => void;
  readonly sabotage: Sabotage;
  readonly givesAhead: boolean;
  readonly workPerStep: number;
  /** Whether the brains check their state after each step; it costs time in proportion to the state. */
  readonly checksInvariants: boolean;
  /** Of each worker; undefined for as much as it wants. */
  readonly memoryBytes: number | undefined;
  readonly memoryTotals: MemoryTotals;
  readonly totals: { messages: number; messageBytes: number; executions: number };
};

/** Notes a frame that has arrived, and who got it. */
export function noteFrame(world: World, receiver: number, frame: Uint8Array): void {
  world.totals.messages += 1;
  world.totals.messageBytes += frame.length;
  world.history.note(world.clock.nowUs());
  world.history.note(receiver);
  world.history.noteBytes(frame);
}

/** Sends a message once more, some time later, where the world is such that messages repeat. */
export function repeatLater({ clock, random, conditions }: World, send: () => void): void {
  if (conditions.repeatProbability === 0 || random.unit() >= conditions.repeatProbability) return;
  clock.schedule(random.unit() ** 2 * 200_000, send);
}
