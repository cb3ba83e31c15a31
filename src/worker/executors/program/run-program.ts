import { join } from "node:path";
import type { TaskFailure } from "../../../core/model/failures.ts";
import type { LogStream } from "../../../core/model/task-log.ts";
import { decodeRunConfig, type RunConfig } from "../../../protocol/client/run-config.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import type { TaskLogs } from "../../logs/task-logs.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { TaskError } from "../task-error.ts";
import { stricterLimit } from "../time-limit.ts";
import { replaceVariables } from "./arguments.ts";
import { checkOutputNames, collectOutputs } from "./collect-outputs.ts";
import { hasNoRoom } from "./disk-room.ts";
import { decodeName, STDERR_NAME, STDIN_NAME, STDOUT_NAME } from "./names.ts";
import { placeInputs } from "./place-inputs.ts";
import { readStderr } from "./read-stderr.ts";
import type { RunDirectories, RunShape } from "./run-directories.ts";
import { type LimitedEnd, runLimited } from "./run-limited.ts";

/** What programs are run with; one for the worker. */
export type ProgramRunner = {
  readonly values: ValueTable;
  readonly launcher: () => Promise<Launcher>;
  readonly directories: RunDirectories;
  /** Ends programs that use too much memory. */
  readonly watch: ProcessWatch;
  /** What a worker's cpu numbers from 0 up are on this machine; empty where nothing is pinned. */
  readonly cpuIds: readonly number[];
  readonly logs?: TaskLogs | undefined;
  /** Time that a program has from SIGTERM until SIGKILL, when it is canceled or its time is over. */
  readonly killGraceMs: number;
};

export type RunTask = {
  readonly inputs: readonly ValueId[];
  /** The config of a `loom/run/run` task. */
  readonly config: Uint8Array;
  /** The server's number of the task, and of this try, for its log; undefined: none is kept. */
  readonly task?: number | undefined;
  readonly attempt?: number | undefined;
  /** The client's number of the task, for the directory's name. */
  readonly clientTask: number;
  /** Numbers, from 0 up, of the worker's cpus that the task was given. */
  readonly cpus: readonly number[];
  /** Bytes of memory that it asked for. */
  readonly memoryBytes?: number | undefined;
  /** Aborted where the program, when it is stopped, is to be killed at once; undefined: always. */
  readonly hurry?: AbortSignal | undefined;
  /** Wall time in ms that it may take, beside the limit of its config; undefined: any. */
  readonly timeLimitMs?: number | undefined;
};

/** A program whose launcher died is started again so often. */
const TRIES_MAX = 3;

let runNumber = 0;

/**
 * Runs a program and makes a value, which the caller owns, of its outputs. Rejects with a TaskError,
 * or with the signal's reason once the program and all that it started are gone. Whatever happens,
 * nothing of it is left in its directory, which is removed or serves the next program.
 */
export async function runProgram(
  runner: ProgramRunner,
  task: RunTask,
  signal: AbortSignal,
): Promise<ValueId> {
  const run = decodeRunConfig(task.config);
  const outputNames = checkOutputNames(run.mapOutputs);
  const launcher = await runner.launcher();
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    const value = await runOnce(runner, launcher, { ...task, run, outputNames }, signal);
    if (value !== undefined) return value;
    if (tries === TRIES_MAX) {
      throw new TaskError({ message: `the launcher of programs ended ${tries} times meanwhile` });
    }
  }
}

type DecodedTask = RunTask & {
  readonly run: RunConfig;
  readonly outputNames: ReadonlySet<string>;
};

/** Undefined if the launcher was lost. */
async function runOnce(
  runner: ProgramRunner,
  launcher: Launcher,
  task: DecodedTask,
  signal: AbortSignal,
): Promise<ValueId | undefined> {
  const { values, cpuIds, directories } = runner;
  const { run, inputs, outputNames } = task;
  runNumber = (runNumber + 1) >>> 0;
  const runId = runNumber;
  const names = new Set([STDERR_NAME, ...outputNames]);
  for (const name of run.mapInputs) names.add(Buffer.from(name).toString());
  const place = directories.take(shapeOf(names), `${task.clientTask}-${runId}`, names);
  const directory = place.path;
  let isUsable = true;
  const log = openLog(runner, task, directory);
  const { protection } = launcher;
  const programTask = { values, inputs, run, directory, protection, signal };
  try {
    const { variables, hasStdin, links } = await placeInputs(programTask);
    const args = replaceVariables(run.args, variables);
    const start = {
      runId,
      cwd: directory,
      args,
      env: run.env,
      paths: run.paths.map((path) => decodeName(path, "a directory for PATH")),
      cpus: task.cpus.flatMap((cpu) => cpuIds[cpu] ?? []),
      stdinPath: hasStdin ? STDIN_NAME : undefined,
      stdoutPath: outputNames.has(STDOUT_NAME) ? STDOUT_NAME : undefined,
      stderrPath: STDERR_NAME,
    };
    signal.throwIfAborted();
    const limits = {
      timeLimitMs: stricterLimit(run.timeLimitMs, task.timeLimitMs),
      killGraceMs: runner.killGraceMs,
      memoryBytes: task.memoryBytes,
      watch: runner.watch,
      signal,
      hurry: task.hurry ?? signal,
    };
    const end = await runLimited(launcher, start, limits);
    isUsable = end.kind === "exited" && !end.hasLeftovers;
    signal.throwIfAborted();
    if (end.kind === "launcher-lost") return undefined;
    requireSuccess(end, directory);
    // Its stdout is its result.
    log.end(["stderr"]);
    return await collectOutputs(programTask, links);
  } finally {
    log.end(["stdout", "stderr"]);
    if (isUsable) directories.giveBack(place);
    else directories.remove(place);
  }
}

/** Lets what the program writes be read while it runs; `end` keeps of it what these streams have, once. */
function openLog(
  { logs }: ProgramRunner,
  { task, attempt, outputNames }: DecodedTask,
  directory: string,
): { end(streams: readonly LogStream[]): void } {
  if (logs === undefined || task === undefined || attempt === undefined) return { end: () => {} };
  const stderr = join(directory, STDERR_NAME);
  const hasStdout = outputNames.has(STDOUT_NAME);
  const files = hasStdout ? { stdout: join(directory, STDOUT_NAME), stderr } : { stderr };
  logs.beginFiles(task, attempt, files);
  let hasEnded = false;
  return {
    end(streams) {
      if (!hasEnded) logs.endFiles(task, attempt, streams);
      hasEnded = true;
    },
  };
}

/** What the directory of a program with these files can be used for after it. */
function shapeOf(names: ReadonlySet<string>): RunShape {
  for (const name of names) {
    // Variables are no files.
    if (name !== STDERR_NAME && name !== STDOUT_NAME && !name.startsWith("$")) return undefined;
  }
  return names.has(STDOUT_NAME) ? "stdout" : "silent";
}

function requireSuccess(
  end: Exclude<LimitedEnd, { kind: "launcher-lost" }>,
  directory: string,
): void {
  if (end.kind === "exited" && end.exitCode === 0) return;
  if (end.kind === "spawn-failed") throw new TaskError({ message: end.reason });
  const stderr = readStderr(directory);
  const fail = (text: string, details: Omit<TaskFailure, "message">): TaskError => {
    // A program on a full disk can often not even write down why it fails.
    if (hasNoRoom(directory)) {
      const message = `${text}; the disk of ${directory} is full\nStderr:\n${stderr}`;
      return new TaskError({ message, stderr, ...details, kind: "disk-full" });
    }
    return new TaskError({ message: `${text}\nStderr:\n${stderr}`, stderr, ...details });
  };
  const kind = "program-failed";
  if (end.kind === "exited") {
    throw fail(`Program terminated with status ${end.exitCode}`, { kind, exitCode: end.exitCode });
  }
  if (end.kind === "signaled") {
    throw fail(`Program terminated by signal ${end.signal}`, { kind, signal: end.signal });
  }
  if (end.kind === "out-of-memory") {
    throw fail(`Program was ended, out of memory: ${end.story}`, {
      kind: end.kind,
      signal: "SIGKILL",
    });
  }
  throw fail(end.story, { kind: "timed-out", ...(end.signal && { signal: end.signal }) });
}
