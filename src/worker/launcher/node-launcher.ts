/**
 * The launcher where no C compiler is: the same frames and the same promises as launcher/launcher.c,
 * slower. A program of its own, because a small process forks faster than the worker, and because it
 * outlives a worker that was killed. Differences: programs do not die with it at once (the worker
 * sees to that), and as root it cannot protect inputs.
 */
import { Socket } from "node:net";
import { constants } from "node:os";
import {
  appendExited,
  appendHello,
  appendSpawnFailed,
  createFrameBatch,
  createFrameReader,
  decodeKill,
  decodeStart,
  FRAME_KILL,
  FRAME_START,
  type Frame,
  REQUEST_SIZE_BYTES_MAX,
  SPAWN_STEP,
  takeFrames,
} from "./frames.ts";
import { createCommandBuilder } from "./node-command.ts";
import { type Spawned, SpawnFailure, spawnProgram } from "./node-spawn.ts";
import { createTrackedRun, ProcessTable, signalProcess, type TrackedRun } from "./process-table.ts";

/** A program from its start until nothing of it is left. */
type Run = TrackedRun & {
  readonly runId: number;
  readonly isUnpinned: boolean;
  readonly startNs: bigint;
  /** `undefined` while it runs. */
  end: { exitCode: number; signalNumber: number; wallUs: number; atNs: bigint } | undefined;
};

/** Longest wait for leftovers of a run, which may hang in the kernel. */
const LEFTOVER_LIMIT_NS = 2_000_000_000n;
const LEFTOVER_POLL_MS = 5;
/** Requests handled in one turn of the loop, so that exits are reported between them. */
const REQUESTS_PER_TURN = 8;

const batch = createFrameBatch();
const table = new ProcessTable<Run>(process.ppid);
const runs = new Map<number, Run>();
const ending = new Set<Run>();
const buildCommand = createCommandBuilder();
const requests: (() => void)[] = [];
const input = new Socket({ fd: 0, readable: true, writable: false });
const output = new Socket({ fd: 1, readable: false, writable: true });
let isServing = false;
let isSettling = false;

function flush(): void {
  const bytes = takeFrames(batch);
  if (bytes.length > 0) output.write(bytes);
}

function onStart(frame: Frame): void {
  const program = decodeStart(frame.body);
  const { runId } = program;
  // Pids that were freed while nothing ran must not be taken for strangers.
  if (runs.size === 0) table.refresh();
  const startNs = process.hrtime.bigint();
  let spawned: Spawned;
  try {
    if (runs.has(runId) || program.args.length === 0)
      throw new SpawnFailure(SPAWN_STEP.request, "EBADMSG");
    spawned = spawnProgram(program, buildCommand);
  } catch (error) {
    if (!(error instanceof SpawnFailure)) throw error;
    onSpawnFailed(runId, error);
    return;
  }
  const { child, isUnpinned } = spawned;
  if (child.pid === undefined) {
    child.once("error", (error: NodeJS.ErrnoException) =>
      onSpawnFailed(runId, new SpawnFailure(SPAWN_STEP.program, error.code ?? "EIO")),
    );
    return;
  }
  const run: Run = {
    ...createTrackedRun(child.pid, program.cwd, Number(process.hrtime.bigint() - startNs) / 1e6),
    runId,
    isUnpinned,
    startNs,
    end: undefined,
  };
  runs.set(runId, run);
  table.add(run);
  child.once("exit", (exitCode, signal) => {
    const atNs = process.hrtime.bigint();
    run.end = {
      exitCode: exitCode ?? 0,
      signalNumber: signal === null ? 0 : constants.signals[signal],
      wallUs: Number((atNs - startNs) / 1000n),
      atNs,
    };
    ending.add(run);
    scheduleSettle();
  });
}

function onSpawnFailed(runId: number, { step, code }: SpawnFailure): void {
  const errno = constants.errno[code as keyof typeof constants.errno] ?? constants.errno.EIO;
  appendSpawnFailed(batch, { runId, step, errno });
  flush();
}

function onKill(frame: Frame): void {
  const { runId, signalNumber } = decodeKill(frame.body);
  const run = runs.get(runId);
  if (run === undefined || run.end !== undefined) return;
  const isFinal = signalNumber === constants.signals.SIGKILL;
  // A stopped group forks no more while its descendants are collected.
  if (isFinal) signalProcess(-run.pid, "SIGSTOP");
  table.refresh();
  for (const pid of table.listOthers(run)) signalProcess(pid, signalNumber);
  signalProcess(-run.pid, signalNumber);
}

/** One look at all processes serves all runs that end in the same turn of the loop. */
function scheduleSettle(): void {
  if (isSettling) return;
  isSettling = true;
  setImmediate(settle);
}

/** Reports the ended runs of which nothing is left, and kills what is left of the others. */
function settle(): void {
  isSettling = false;
  const nowNs = process.hrtime.bigint();
  const left = new Set<Run>();
  for (const run of ending) signalProcess(-run.pid, "SIGKILL");
  table.refresh();
  for (const run of ending) {
    for (const pid of table.listOthers(run)) {
      left.add(run);
      signalProcess(pid, "SIGKILL");
    }
    if (run.end === undefined) continue;
    if (left.has(run) && nowNs - run.end.atNs < LEFTOVER_LIMIT_NS) continue;
    ending.delete(run);
    runs.delete(run.runId);
    table.remove(run);
    const { runId, isUnpinned } = run;
    appendExited(batch, { runId, isUnpinned, hasLeftovers: left.has(run), ...run.end });
  }
  flush();
  if (ending.size > 0 && !isSettling) {
    isSettling = true;
    setTimeout(settle, LEFTOVER_POLL_MS);
  }
}

/** The worker is gone: so is everything that it had started. Runs to its end without returning to the loop. */
function endEverything(): never {
  for (const run of runs.values()) signalProcess(-run.pid, "SIGKILL");
  const limitNs = process.hrtime.bigint() + LEFTOVER_LIMIT_NS;
  for (let isLeft = true; isLeft && process.hrtime.bigint() < limitNs; ) {
    isLeft = false;
    table.refresh();
    for (const run of runs.values()) {
      for (const pid of table.listOthers(run)) {
        isLeft = true;
        signalProcess(pid, "SIGKILL");
      }
    }
    if (isLeft) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }
  process.exit(0);
}

function serveRequests(): void {
  isServing = false;
  for (const request of requests.splice(0, REQUESTS_PER_TURN)) request();
  scheduleRequests();
}

function scheduleRequests(): void {
  if (isServing || requests.length === 0) return;
  isServing = true;
  setImmediate(serveRequests);
}

// The worker decides what a Ctrl-C means; it goes to the whole group of the terminal.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const read = createFrameReader(REQUEST_SIZE_BYTES_MAX, (frame) => {
  if (frame.kind === FRAME_START) requests.push(() => onStart(frame));
  else if (frame.kind === FRAME_KILL) requests.push(() => onKill(frame));
});
input.on("data", (chunk: Buffer) => {
  read(chunk);
  scheduleRequests();
});
input.on("end", endEverything);
input.on("error", endEverything);
output.on("error", endEverything);
process.on("uncaughtException", (error) => {
  process.stderr.write(`loom-launcher-node: ${error.stack ?? error.message}\n`);
  endEverything();
});
appendHello(batch, process.geteuid?.() === 0 ? "none" : "permissions");
flush();
