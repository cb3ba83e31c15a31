import { existsSync } from "node:fs";
import { constants } from "node:os";
import { assert } from "../../core/base/assert.ts";
import {
  appendKill,
  appendStart,
  createFrameBatch,
  type ExitFrame,
  type SpawnFailureFrame,
  takeFrames,
} from "./frames.ts";
import { type LauncherProcess, spawnLauncherProcess } from "./launcher-process.ts";
import { killLeftovers } from "./leftovers.ts";
import type { ProgramEnd, ProgramStart, Protection } from "./program.ts";
import { listRawVariables } from "./raw-environment.ts";
import { describeSpawnFailure, findUnusable } from "./spawn-failure-text.ts";

/** Starts programs for a worker, by a process of its own. */
export type Launcher = AsyncDisposable & {
  readonly kind: "compiled" | "node";
  /** Whether programs are kept from writing into linked inputs, and by what. */
  readonly protection: Protection;
  /**
   * Starts a program. Resolves when it and all its descendants have ended; never rejects. Run ids
   * of programs that run must differ.
   */
  start(program: ProgramStart): Promise<ProgramEnd>;
  /** Signals a program, its group and its descendants. Does nothing where it has ended. */
  kill(runId: number, signal?: NodeJS.Signals): void;
};

/** Where the launchers are, and what they protect. */
export type LauncherOptions = {
  /** The worker's store, which must exist; programs may read it but not write to it. */
  readonly dataDirectory: string;
  /** The compiled launcher; `undefined`, or a path without a file, where there is none. */
  readonly compiledPath: string | undefined;
  /** The bundled Node launcher. */
  readonly nodePath: string;
  /** Receives a sentence for the worker's log. */
  readonly onLog: (text: string) => void;
};

type Command = readonly [file: string, ...args: string[]];
type Waiting = {
  readonly program: ProgramStart;
  readonly startedMs: number;
  readonly resolve: (end: ProgramEnd) => void;
};

/** A launcher greets within a few milliseconds, one in Node within a hundred. */
const HELLO_TIMEOUT_MS = 10_000;
const DISPOSE_TIMEOUT_MS = 5_000;

/** Starts the compiled launcher, or the one in Node where there is none that works. */
export async function startLauncher(options: LauncherOptions): Promise<Launcher> {
  const { dataDirectory, compiledPath, nodePath, onLog } = options;
  if (compiledPath !== undefined && existsSync(compiledPath)) {
    try {
      return await connect("compiled", [compiledPath, dataDirectory], onLog);
    } catch (error) {
      onLog(`The compiled launcher does not work here, using the one in Node: ${String(error)}`);
    }
  }
  if (!existsSync(nodePath)) throw new Error(`No launcher at ${nodePath}: build the package again`);
  return await connect("node", [process.execPath, nodePath, dataDirectory], onLog);
}

async function connect(
  kind: Launcher["kind"],
  command: Command,
  onLog: (text: string) => void,
): Promise<Launcher> {
  const waiting = new Map<number, Waiting>();
  const rawVariables = listRawVariables();
  const batch = createFrameBatch();
  let launcher: LauncherProcess | undefined;
  let protection: Protection = "none";
  let closed: Promise<void> = Promise.resolve();
  let isFlushing = false;
  let isDisposed = false;
  let hasToldUnpinned = false;

  const finish = (runId: number, describe: (program: ProgramStart) => ProgramEnd): void => {
    const entry = waiting.get(runId);
    if (entry === undefined) return;
    waiting.delete(runId);
    entry.resolve(describe(entry.program));
  };

  const onExited = (exit: ExitFrame): void => {
    if (exit.isUnpinned && !hasToldUnpinned) {
      hasToldUnpinned = true;
      onLog("Programs cannot be pinned to the cpus they were given here; they run unpinned.");
    }
    finish(exit.runId, () => describeExit(exit));
  };

  const onSpawnFailed = (failure: SpawnFailureFrame): void =>
    finish(failure.runId, (program) => ({
      kind: "spawn-failed",
      reason: describeSpawnFailure(program, failure),
    }));

  const onEnded = async (reason: string): Promise<void> => {
    launcher = undefined;
    // Requests that were not written belong to programs that are lost, too.
    takeFrames(batch);
    const lost = [...waiting.values()];
    waiting.clear();
    if (lost.length === 0) return;
    if (!isDisposed) onLog(`Lost ${lost.length} running programs: ${reason}`);
    const nowMs = performance.now();
    await killLeftovers(
      lost.map(({ program, startedMs }) => ({ cwd: program.cwd, ageMs: nowMs - startedMs })),
    );
    for (const { resolve } of lost) resolve({ kind: "launcher-lost", reason });
  };

  const open = (): LauncherProcess => {
    const opened = spawnLauncherProcess(command, { onExited, onSpawnFailed });
    launcher = opened;
    opened.hello.then(
      (found) => {
        protection = found;
      },
      () => undefined, // told by `ended`
    );
    closed = opened.ended
      .then(({ reason }) => onEnded(reason))
      .catch((error: unknown) => onLog(`Cleaning up after a lost launcher: ${String(error)}`));
    return opened;
  };

  /** Requests of one turn of the loop are written at once. */
  const scheduleFlush = (): void => {
    if (isFlushing) return;
    isFlushing = true;
    queueMicrotask(() => {
      isFlushing = false;
      const frames = takeFrames(batch);
      if (frames.length > 0) launcher?.write(frames);
    });
  };

  const start = (program: ProgramStart): Promise<ProgramEnd> => {
    if (isDisposed)
      return Promise.resolve({ kind: "launcher-lost", reason: "the launcher was stopped" });
    const reason = findUnusable(program);
    if (reason !== undefined) return Promise.resolve({ kind: "spawn-failed", reason });
    assert(!waiting.has(program.runId), `run ${program.runId} was started twice`);
    try {
      if (launcher === undefined) open();
    } catch (error) {
      return Promise.resolve({ kind: "launcher-lost", reason: String(error) });
    }
    if (rawVariables.length === 0) appendStart(batch, program);
    else appendStart(batch, { ...program, env: [...rawVariables, ...program.env] });
    scheduleFlush();
    return new Promise((resolve) => {
      waiting.set(program.runId, { program, startedMs: performance.now(), resolve });
    });
  };

  const kill = (runId: number, signal: NodeJS.Signals = "SIGKILL"): void => {
    if (!waiting.has(runId)) return;
    appendKill(batch, runId, constants.signals[signal]);
    scheduleFlush();
  };

  await greet(open());
  return {
    kind,
    get protection() {
      return protection;
    },
    start,
    kill,
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      if (launcher !== undefined) await stop(launcher);
      await closed;
    },
  };
}

async function greet(launcher: LauncherProcess): Promise<void> {
  const timer = setTimeout(() => launcher.kill(), HELLO_TIMEOUT_MS);
  try {
    await launcher.hello;
  } finally {
    clearTimeout(timer);
  }
}

async function stop(launcher: LauncherProcess): Promise<void> {
  launcher.close();
  const timer = setTimeout(() => launcher.kill(), DISPOSE_TIMEOUT_MS);
  await launcher.ended;
  clearTimeout(timer);
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  // Of two names for one number the first is the usual one.
  Object.entries(constants.signals)
    .reverse()
    .map(([name, value]) => [value, name]),
);

function describeExit({ exitCode, signalNumber, wallUs, hasLeftovers }: ExitFrame): ProgramEnd {
  if (signalNumber === 0) return { kind: "exited", exitCode, wallUs, hasLeftovers };
  const signal = SIGNAL_NAMES.get(signalNumber) ?? `signal ${signalNumber}`;
  return { kind: "signaled", signal, wallUs };
}
