import type { Log } from "../../../core/base/log.ts";
import type { TaskFailure } from "../../../core/model/failures.ts";
import { failureOf } from "../../executors/failure-of.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { createEntry, type Entry, startRunner } from "../runner.ts";
import type {
  CallOutcome,
  RunnerCall,
  RunnerCommand,
  RunnerLanguage,
  RunnerPool,
} from "../runner-call.ts";
import type { RunnerEnd } from "../runner-process.ts";
import { crashFailure, startFailure } from "./crash-story.ts";
import { createFunctionNumbers } from "./function-numbers.ts";
import { type Guard, startGuard } from "./guard.ts";
import { createIdleSlots } from "./idle-slots.ts";
import { createMemoryWatch } from "./memory-watch.ts";
import { OUT_OF_MEMORY, SYSTEM_OUT_OF_MEMORY } from "./out-of-memory.ts";
import { createLane, createSlot, type Lane, type Slot } from "./slot.ts";
import { createStallWatch } from "./stall-watch.ts";
import { STOPPED, stopKilledCalls } from "./stop-calls.ts";
import { timeLimitFailure, watchTimeLimit } from "./time-limits.ts";

export type RunnerPoolOptions = {
  readonly values: ValueTable;
  readonly language: RunnerLanguage;
  readonly log: Log;
  /** Bytes that each runner may use whose calls ask for nothing else. */
  readonly memoryBytesMax: number;
  /** Ends runners when all processes together use too much. Default: nobody does. */
  readonly watch?: ProcessWatch | undefined;
  /** How long a runner without calls is kept. Default 5 minutes. */
  readonly idleMs?: number;
  /** Calls wait behind one that runs in their lane for one to two of these. Default 20 ms. */
  readonly stallMs?: number;
};

const IDLE_MS = 5 * 60 * 1000;
const STALL_MS = 20;
/** Runners that may end under a call that none of them had begun. */
const LOSSES_MAX = 3;

export function createRunnerPool(options: RunnerPoolOptions): RunnerPool {
  const { values, language, log, memoryBytesMax } = options;
  const lanes = new Map<number, Lane>();
  /** Of calls that have not ended and were not killed. */
  const entries = new Map<RunnerCall, Entry>();
  const slots = new Set<Slot>();
  const idle = createIdleSlots(options.idleMs ?? IDLE_MS);
  /** Lanes that get a runner that is about to be free or to end, rather than one more. */
  const awaiting: Lane[] = [];
  const functions = createFunctionNumbers((key) =>
    Array.from(slots).some(({ runner }) => runner.knows(key)),
  );
  const stalls = createStallWatch(slots, options.stallMs ?? STALL_MS);
  const memory = createMemoryWatch(slots, idle.remove);
  /** How runners are started, by what they may use. */
  const commands = new Map<number, Promise<RunnerCommand>>();
  let guard: Guard | undefined;
  let onAllEnded = (): void => {};
  let isDisposed = false;

  const watchGroups = (): void => {
    guard ??= startGuard((reason) => log("error", "cannot start the guard of runners", { reason }));
    guard.watch(Array.from(slots, ({ runner }) => runner.pid).filter((pid) => pid !== undefined));
  };

  const finish = (entry: Entry, outcome: CallOutcome): void => {
    entries.delete(entry.call);
    const lane = lanes.get(entry.lane);
    if (lane !== undefined) lane.unfinished -= 1;
    entry.call.owner.onEnd(entry.call, outcome);
    if (lane !== undefined) endIfDone(lane);
  };

  const fail = (entry: Entry, failure: TaskFailure): void =>
    finish(entry, { kind: "failed", failure });

  const tellKilled = ({ call }: Entry): void => call.owner.onKilled(call);

  const endIfDone = (lane: Lane): void => {
    if (lane.unfinished > 0 || lanes.get(lane.id) !== lane) return;
    lanes.delete(lane.id);
    const { slot } = lane;
    if (slot === undefined) return;
    slot.lane = undefined;
    rest(slot);
  };

  /** Puts a runner that has nothing to do to the others. */
  const rest = (slot: Slot): void => {
    const isFree = slot.lane === undefined && slot.runner.outstanding === 0 && slot.runner.isOpen;
    if (!isFree || !slots.has(slot) || idle.has(slot)) return;
    watchTimeLimit(slot);
    idle.add(slot);
    serveAwaiting();
  };

  /** Whether a runner without a lane, which gives back or ends calls of its last one, is for nobody yet. */
  const isOneComing = ({ memoryBytesMax: bytesMax }: Lane): boolean => {
    let count = -idle.count(bytesMax);
    for (const slot of slots) {
      if (slot.lane === undefined && slot.memoryBytesMax === bytesMax) count += 1;
    }
    for (const lane of awaiting) if (lane.memoryBytesMax === bytesMax) count -= 1;
    return count > 0;
  };

  /** To be called when a runner without a lane is idle, or has ended. */
  const serveAwaiting = (): void => {
    if (isDisposed) return;
    // Each gets one that is idle, or goes on waiting for one that comes.
    for (const lane of awaiting.splice(0)) {
      if (lanes.get(lane.id) === lane && lane.slot === undefined) serve(lane);
    }
  };

  /** Gets the waiting calls of a lane to a runner. */
  const serve = (lane: Lane): void => {
    const [first] = lane.waiting;
    if (first === undefined) return;
    if (lane.slot === undefined) {
      const slot = idle.take(first.call.functionKey, lane.memoryBytesMax);
      if (slot === undefined) {
        if (isOneComing(lane)) awaiting.push(lane);
        else void startFor(lane);
        return;
      }
      slot.lane = lane;
      lane.slot = slot;
    }
    send(lane, lane.slot);
  };

  const send = (lane: Lane, slot: Slot): void => {
    if (!slot.runner.isOpen) return;
    const { waiting } = lane;
    // What cannot be sent ends at once, and may take its lane along.
    lane.waiting = [];
    const count = slot.runner.send(waiting);
    lane.waiting = [...waiting.slice(count), ...lane.waiting];
    watchTimeLimit(slot);
    stalls.start();
    memory.start();
  };

  /** Starts a runner, and gives it to the lane if that still wants one then. */
  const startFor = async (lane: Lane): Promise<void> => {
    const { memoryBytesMax: bytesMax } = lane;
    try {
      const command = commands.get(bytesMax) ?? language.command(bytesMax);
      commands.set(bytesMax, command);
      const found = await command;
      if (isDisposed || lanes.get(lane.id) !== lane || lane.slot !== undefined) return;
      // Another lane may have ended meanwhile.
      if (idle.count(bytesMax) > 0 || isOneComing(lane)) serve(lane);
      else {
        lane.slot = start(found, lane);
        send(lane, lane.slot);
      }
    } catch (error) {
      commands.delete(bytesMax);
      const failure = failureOf(error);
      for (const entry of lane.waiting.splice(0)) fail(entry, failure);
    }
  };

  const start = (found: RunnerCommand, lane: Lane): Slot => {
    const runner = startRunner({
      values,
      command: found,
      functions,
      memoryBytesMax: lane.memoryBytesMax,
      onReady: (versions) => {
        log("debug", "a runner of functions is ready", { pid: runner.pid, versions });
        watchTimeLimit(slot);
      },
      onOutcome: finish,
      onKilled: tellKilled,
      onProgressed: () => onProgressed(slot),
      onTakenBack: (taken) => onTakenBack(slot, taken),
      onLine: (text) => log("info", text, { runner: language.name, pid: runner.pid }),
      onEnd: (end, left, culprit) => onRunnerEnd(slot, end, left, culprit),
    });
    const slot = createSlot(runner, lane);
    slots.add(slot);
    slot.watched = options.watch?.add({
      pid: runner.pid,
      kill: (story) => runner.kill(`${OUT_OF_MEMORY}: ${story}`),
    });
    watchGroups();
    return slot;
  };

  const onProgressed = (slot: Slot): void => {
    watchTimeLimit(slot);
    if (slot.lane !== undefined) serve(slot.lane);
    rest(slot);
  };

  /** Calls come back from a runner: because of a killed one among them, or since one takes long. */
  const onTakenBack = (slot: Slot, taken: readonly Entry[]): void => {
    const { lane, isPostponing } = slot;
    slot.isPostponing = false;
    if (slot.runner.hasKilled()) slot.runner.kill(STOPPED);
    if (lane === undefined) return;
    lane.waiting = [...taken, ...lane.waiting];
    if (!isPostponing) {
      serve(lane);
      return;
    }
    const postponed = lane.waiting;
    lane.waiting = [];
    lane.unfinished -= postponed.length;
    for (const { call } of postponed) entries.delete(call);
    for (const { call } of postponed) call.owner.onPostponed(call);
    endIfDone(lane);
  };

  const onRunnerEnd = (
    slot: Slot,
    end: RunnerEnd,
    left: readonly Entry[],
    culprit: Entry | undefined,
  ): void => {
    slots.delete(slot);
    idle.remove(slot);
    const isSystems = end.reason === undefined && end.signal === "SIGKILL";
    const wasMemoryShort = isSystems && slot.watched?.wasMemoryShort() === true;
    slot.watched?.remove();
    clearTimeout(slot.limitTimer);
    if (!isDisposed) {
      watchGroups();
      if (slot.lane === undefined) serveAwaiting();
      else {
        const known = wasMemoryShort ? { ...end, reason: SYSTEM_OUT_OF_MEMORY } : end;
        goOnWithout(slot, slot.lane, known, left, culprit);
      }
    }
    for (const entry of left) if (entry.isKilled) tellKilled(entry);
    if (slots.size === 0) onAllEnded();
  };

  /** Fails the call that the runner ended with; the others of its lane go on with another. */
  const goOnWithout = (
    { timedOut, memoryBytesMax: bytesMax }: Slot,
    lane: Lane,
    end: RunnerEnd,
    left: readonly Entry[],
    culprit: Entry | undefined,
  ): void => {
    lane.slot = undefined;
    // One that was stopped takes its runner along; its neighbors begin again.
    const isOurs = left.some(({ isKilled }) => isKilled);
    const others: Entry[] = [];
    for (const entry of left) {
      if (entry.isKilled) continue;
      if (entry === timedOut) fail(entry, timeLimitFailure(entry));
      else if (entry === culprit && !isOurs) {
        fail(entry, crashFailure(language, end, bytesMax));
      } else {
        if (culprit === undefined && !isOurs) entry.losses += 1;
        if (entry.losses < LOSSES_MAX) others.push(entry);
        else fail(entry, startFailure(language, end, bytesMax));
      }
    }
    lane.waiting = [...others, ...lane.waiting];
    endIfDone(lane);
    serve(lane);
  };

  return {
    run(laneId, calls) {
      const lane = lanes.get(laneId) ?? createLane(laneId, calls[0]?.memoryBytes ?? memoryBytesMax);
      lanes.set(laneId, lane);
      const isStarting = lane.slot === undefined && lane.waiting.length > 0;
      for (const call of calls) {
        const entry = createEntry(call, laneId);
        entries.set(call, entry);
        lane.waiting.push(entry);
      }
      lane.unfinished += calls.length;
      if (!isStarting) serve(lane);
    },
    kill(calls) {
      const touched = new Set<Lane>();
      for (const call of calls) {
        const entry = entries.get(call);
        if (entry === undefined) continue;
        entries.delete(call);
        entry.isKilled = true;
        const lane = lanes.get(entry.lane);
        if (lane === undefined) continue;
        lane.unfinished -= 1;
        touched.add(lane);
      }
      for (const lane of touched) {
        const { slot, waiting } = lane;
        lane.waiting = waiting.filter(({ isKilled }) => !isKilled);
        endIfDone(lane);
        if (slot !== undefined) stopKilledCalls(slot.runner, language.abortMs ?? 0);
        for (const entry of waiting) if (entry.isKilled) tellKilled(entry);
      }
    },
    async dispose() {
      isDisposed = true;
      stalls.stop();
      memory.stop();
      const allEnded = new Promise<void>((resolve) => {
        onAllEnded = resolve;
      });
      for (const { runner } of slots) runner.kill("the worker stops");
      if (slots.size > 0) await allEnded;
      guard?.dispose();
    },
  };
}
