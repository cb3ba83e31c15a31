import type { Log } from "../../core/base/log.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import { failureOf } from "../executors/failure-of.ts";
import type { ValueTable } from "../store/value-table.ts";
import { crashFailure, startFailure } from "./crash-story.ts";
import { type Guard, startGuard } from "./guard.ts";
import { createEntry, type Entry, type Runner, startRunner } from "./runner.ts";
import type {
  CallOutcome,
  RunnerCall,
  RunnerCommand,
  RunnerLanguage,
  RunnerPool,
} from "./runner-call.ts";
import type { RunnerEnd } from "./runner-process.ts";

export type RunnerPoolOptions = {
  readonly values: ValueTable;
  readonly language: RunnerLanguage;
  readonly log: Log;
  /** How long a runner without calls is kept. Default 5 minutes. */
  readonly idleMs?: number;
  /** Calls wait behind one that runs in their lane for one to two of these. Default 20 ms. */
  readonly stallMs?: number;
};

type Lane = {
  readonly id: number;
  slot: Slot | undefined;
  /** Calls that its runner has not been sent. */
  waiting: Entry[];
  /** Calls that have not ended and were not killed. */
  unfinished: number;
};

/** A runner and what it is used for. */
type Slot = {
  readonly runner: Runner;
  lane: Lane | undefined;
  /** The call that it is with, as far as is known. */
  head: Entry | undefined;
  isHeadWatched: boolean;
  limitTimer: NodeJS.Timeout | undefined;
  idleTimer: NodeJS.Timeout | undefined;
  timedOut: Entry | undefined;
  /** What ran at the last look at those that take long. */
  seenRunning: Entry | undefined;
  isPostponing: boolean;
};

const IDLE_MS = 5 * 60 * 1000;
const STALL_MS = 20;
/** A runner that does not give calls back in this time is in code that lets nothing else run. */
const TAKE_BACK_MS = 50;
/** Runners that may end under a call that none of them had begun. */
const LOSSES_MAX = 3;
/** Functions whose numbers are kept before those that nobody knows any more are forgotten. */
const NUMBERS_MAX = 16_384;
/** The longest that a timer of Node can wait: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createRunnerPool(options: RunnerPoolOptions): RunnerPool {
  const { values, language, log, idleMs = IDLE_MS, stallMs = STALL_MS } = options;
  const lanes = new Map<number, Lane>();
  const entries = new Map<RunnerCall, Entry>();
  const slots = new Set<Slot>();
  /** The one used last is last. */
  const idle: Slot[] = [];
  /** Lanes that get a runner that is about to be free or to end, rather than one more. */
  const awaiting: Lane[] = [];
  const numbers = new Map<string, number>();
  let lastNumber = 0;
  const functions = {
    numberOf: (key: string): number => {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      if (numbers.size >= NUMBERS_MAX) forgetNumbers();
      lastNumber += 1;
      numbers.set(key, lastNumber);
      return lastNumber;
    },
  };
  let command: Promise<RunnerCommand> | undefined;
  let guard: Guard | undefined;
  let stallTimer: NodeJS.Timeout | undefined;
  let onAllEnded = (): void => {};
  let isDisposed = false;

  /** Keeps the numbers of functions that a runner knows. */
  const forgetNumbers = (): void => {
    for (const key of numbers.keys()) {
      const isKnown = Array.from(slots).some(({ runner }) => runner.knows(key));
      if (!isKnown) numbers.delete(key);
    }
  };

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
    if (!isFree || !slots.has(slot) || idle.includes(slot)) return;
    watchHead(slot);
    idle.push(slot);
    slot.idleTimer = setTimeout(() => {
      idle.splice(idle.indexOf(slot), 1);
      slot.runner.kill("it was idle");
    }, idleMs);
    slot.idleTimer.unref();
    serveAwaiting();
  };

  /** Whether a runner without a lane, which gives back or ends calls of its last one, is for nobody yet. */
  const isOneComing = (): boolean => {
    let count = -idle.length;
    for (const { lane } of slots) if (lane === undefined) count += 1;
    return count > awaiting.length;
  };

  /** To be called when a runner without a lane is idle, or has ended. */
  const serveAwaiting = (): void => {
    if (isDisposed) return;
    for (let lane = awaiting.shift(); lane !== undefined; lane = awaiting.shift()) {
      if (lanes.get(lane.id) !== lane) continue;
      serve(lane);
      return;
    }
  };

  const takeIdle = (functionKey: string): Slot | undefined => {
    let position = idle.findLastIndex(({ runner }) => runner.knows(functionKey));
    if (position === -1) position = idle.length - 1;
    const [slot] = position === -1 ? [] : idle.splice(position, 1);
    clearTimeout(slot?.idleTimer);
    return slot;
  };

  /** Gets the waiting calls of a lane to a runner. */
  const serve = (lane: Lane): void => {
    const [first] = lane.waiting;
    if (first === undefined) return;
    if (lane.slot === undefined) {
      const slot = takeIdle(first.call.functionKey);
      if (slot === undefined) {
        if (isOneComing()) awaiting.push(lane);
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
    watchHead(slot);
    watchStalls();
  };

  /** Starts a runner, and gives it to the lane if that still wants one then. */
  const startFor = async (lane: Lane): Promise<void> => {
    try {
      command ??= language.command();
      const found = await command;
      if (isDisposed || lanes.get(lane.id) !== lane || lane.slot !== undefined) return;
      // Another lane may have ended meanwhile.
      if (idle.length > 0 || isOneComing()) serve(lane);
      else {
        lane.slot = start(found, lane);
        send(lane, lane.slot);
      }
    } catch (error) {
      command = undefined;
      const failure = failureOf(error);
      for (const entry of lane.waiting.splice(0)) fail(entry, failure);
    }
  };

  const start = (found: RunnerCommand, lane: Lane): Slot => {
    const runner = startRunner({
      values,
      command: found,
      functions,
      onReady: (versions) => {
        log("debug", "a runner of functions is ready", { pid: runner.pid, versions });
        watchHead(slot);
      },
      onOutcome: finish,
      onProgressed: () => onProgressed(slot),
      onTakenBack: (taken) => onTakenBack(slot, taken),
      onLine: (text) => log("info", text, { runner: language.name, pid: runner.pid }),
      onEnd: (end, left, culprit) => onRunnerEnd(slot, end, left, culprit),
    });
    const slot: Slot = {
      runner,
      lane,
      head: undefined,
      isHeadWatched: false,
      limitTimer: undefined,
      idleTimer: undefined,
      timedOut: undefined,
      seenRunning: undefined,
      isPostponing: false,
    };
    slots.add(slot);
    watchGroups();
    return slot;
  };

  const onProgressed = (slot: Slot): void => {
    watchHead(slot);
    if (slot.lane !== undefined) serve(slot.lane);
    rest(slot);
  };

  /** Calls come back from a runner: because of a killed one among them, or since one takes long. */
  const onTakenBack = (slot: Slot, taken: readonly Entry[]): void => {
    const { lane, isPostponing } = slot;
    slot.isPostponing = false;
    if (slot.runner.hasKilled()) slot.runner.kill("a task that it ran was stopped");
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
    const position = idle.indexOf(slot);
    if (position !== -1) idle.splice(position, 1);
    clearTimeout(slot.idleTimer);
    clearTimeout(slot.limitTimer);
    if (slots.size === 0) onAllEnded();
    if (isDisposed) return;
    watchGroups();
    const { lane } = slot;
    if (lane === undefined) {
      serveAwaiting();
      return;
    }
    lane.slot = undefined;
    // One that was stopped takes its runner along; its neighbors begin again.
    const isOurs = left.some(({ isKilled }) => isKilled);
    const others: Entry[] = [];
    for (const entry of left) {
      if (entry.isKilled) continue;
      if (entry === slot.timedOut) fail(entry, timeLimitFailure(entry));
      else if (entry === culprit && !isOurs) fail(entry, crashFailure(language.name, end));
      else {
        if (culprit === undefined && !isOurs) entry.losses += 1;
        if (entry.losses < LOSSES_MAX) others.push(entry);
        else fail(entry, startFailure(language.name, end));
      }
    }
    lane.waiting = [...others, ...lane.waiting];
    endIfDone(lane);
    serve(lane);
  };

  /** Sets the time limit of the call that the runner is with. */
  const watchHead = (slot: Slot): void => {
    const { runner } = slot;
    const head = runner.first();
    if (head !== slot.head) {
      clearTimeout(slot.limitTimer);
      slot.head = head;
      slot.isHeadWatched = false;
    }
    const limitMs = head?.call.timeLimitMs;
    if (limitMs === undefined || slot.isHeadWatched || !runner.isReady) return;
    if (limitMs > TIMER_MS_MAX) return;
    slot.isHeadWatched = true;
    slot.limitTimer = setTimeout(() => {
      slot.timedOut = head;
      runner.kill("its time limit was over");
    }, limitMs);
  };

  /** Looks, while calls wait in lanes, whether the ones before them take long. */
  const watchStalls = (): void => {
    stallTimer ??= setTimeout(() => {
      stallTimer = undefined;
      let isWaiting = false;
      for (const slot of slots) {
        const { runner } = slot;
        const isAwaited = runner.outstanding + (slot.lane?.waiting.length ?? 0) > 1;
        const running = isAwaited ? runner.findRunning() : undefined;
        if (isAwaited) isWaiting = true;
        if (running !== undefined && running === slot.seenRunning && runner.isOpen) {
          slot.isPostponing = true;
          runner.takeBack();
        }
        slot.seenRunning = running;
      }
      if (isWaiting) watchStalls();
    }, stallMs);
  };

  const stop = (slot: Slot): void => {
    const { runner } = slot;
    if (!runner.hasKilled()) return;
    const { abortMs = 0 } = language;
    const isRunning = runner.findRunning()?.isKilled === true;
    if (isRunning && abortMs === 0) {
      runner.kill("a task that it ran was stopped");
      return;
    }
    if (isRunning) runner.abortRunning();
    else runner.takeBack();
    const killLater = (): void => {
      if (runner.hasKilled()) runner.kill("a task that it ran was stopped");
    };
    setTimeout(killLater, isRunning ? abortMs : TAKE_BACK_MS);
  };

  return {
    run(laneId, calls) {
      let lane = lanes.get(laneId);
      if (lane === undefined) {
        lane = { id: laneId, slot: undefined, waiting: [], unfinished: 0 };
        lanes.set(laneId, lane);
      }
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
        lane.waiting = lane.waiting.filter(({ isKilled }) => !isKilled);
        const { slot } = lane;
        endIfDone(lane);
        if (slot !== undefined) stop(slot);
      }
    },
    async dispose() {
      isDisposed = true;
      clearTimeout(stallTimer);
      const allEnded = new Promise<void>((resolve) => {
        onAllEnded = resolve;
      });
      for (const { runner } of slots) runner.kill("the worker stops");
      if (slots.size > 0) await allEnded;
      guard?.dispose();
    },
  };
}

function timeLimitFailure({ call }: Entry): TaskFailure {
  const message = `The function exceeded its time limit of ${call.timeLimitMs} ms`;
  return { message, signal: "SIGKILL" };
}
