import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { createFrameReader } from "./frames.ts";
import type { RunnerCommand } from "./runner-call.ts";

/** How a runner's process ended. */
export type RunnerEnd = {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** What it wrote to stderr last. */
  readonly stderr: string;
  /** Why it was ended by us, or could not be started. */
  readonly reason: string | undefined;
};

export type RunnerProcessOptions = {
  readonly command: RunnerCommand;
  readonly dataDirectory: string;
  readonly onFrame: (message: unknown, payload: Uint8Array) => void;
  /** A line that it printed past its frames. */
  readonly onLine: (text: string) => void;
  /** Called once, when nothing more comes from it. Its process group is gone. */
  readonly onEnd: (end: RunnerEnd) => void;
};

/** A process with the descriptors that `messages.ts` describes. */
export type RunnerProcess = {
  /** Also its process group; undefined if it could not be started. */
  readonly pid: number | undefined;
  /** On fd 3. */
  send(frame: Uint8Array): void;
  /** On fd 4. */
  sendUrgent(frame: Uint8Array): void;
  /** How many calls it has begun. */
  countBegun(): number;
  /** Ends it with its process group; the reason is told in `onEnd`. */
  kill(reason: string): void;
};

const STDERR_BYTES_MAX = 16 * 1024;
const BEGUN_BYTES = 8;
/** What comes after the process itself has ended, from whoever else holds its pipes, is waited for so long. */
const CLOSE_TIMEOUT_MS = 200;

let names = 0;

/** Starts the process. Throws where the system has no descriptors or memory for it. */
export function startRunnerProcess(options: RunnerProcessOptions): RunnerProcess {
  const { command, onFrame, onLine, onEnd } = options;
  const begun = openBegun(options.dataDirectory);
  const child = spawnRunner(command, begun);
  let reason: string | undefined;
  let stderr = "";
  let isOver = false;

  const [, stdout, errors, frames, life] = child.stdio as unknown as [
    null,
    Readable | undefined,
    Readable | undefined,
    Duplex | undefined,
    Duplex | undefined,
  ];
  const killGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const kill = (why: string): void => {
    if (isOver) return;
    reason ??= why;
    killGroup();
  };
  const end = (exitCode: number | null, signal: string | null): void => {
    if (isOver) return;
    isOver = true;
    for (const stream of [stdout, errors, frames, life]) stream?.destroy();
    onEnd({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, stderr, reason });
    closeSync(begun);
  };

  const read = createFrameReader(onFrame);
  frames?.on("data", (chunk: Buffer) => {
    if (isOver) return;
    try {
      read(chunk);
    } catch (error) {
      if ((error as Error).name === "AssertionFailure") throw error;
      kill(`it sent something else than frames: ${(error as Error).message}`);
    }
  });
  // It may have ended before it has read all; its end says it all.
  frames?.on("error", () => {});
  life?.on("error", () => {});
  onLines(stdout, onLine);
  onLines(errors, (line) => {
    stderr = `${stderr}${line}\n`.slice(-STDERR_BYTES_MAX);
    onLine(line);
  });
  child.on("error", ({ message }) => {
    reason ??= message;
    if (child.pid === undefined) end(null, null);
  });
  child.on("exit", (exitCode, signal) => {
    // Whatever the function has started.
    killGroup();
    setTimeout(() => end(exitCode, signal), CLOSE_TIMEOUT_MS).unref();
  });
  child.on("close", end);

  return {
    pid: child.pid,
    send: (frame) => void (isOver || frames?.write(frame)),
    sendUrgent: (frame) => void (isOver || life?.write(frame)),
    countBegun: () => readBegun(begun),
    kill,
  };
}

function spawnRunner({ file, args, env }: RunnerCommand, begun: number): ChildProcess {
  try {
    return spawn(file, args, {
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", begun],
      env: { ...process.env, ...env },
      detached: true,
    });
  } catch (error) {
    closeSync(begun);
    throw error;
  }
}

/** A file without a name: the data directory keeps only data. */
function openBegun(directory: string): number {
  names += 1;
  const path = join(directory, `begun-${process.pid}-${names}`);
  const descriptor = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return descriptor;
}

function readBegun(descriptor: number): number {
  const bytes = Buffer.alloc(BEGUN_BYTES);
  readSync(descriptor, bytes, 0, BEGUN_BYTES, 0);
  return Number(bytes.readBigUInt64LE());
}

/** Longer lines are cut into several. */
const LINE_CHARACTERS_MAX = 8192;

function onLines(stream: Readable | undefined, onLine: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
    if (rest.length > LINE_CHARACTERS_MAX) {
      onLine(rest);
      rest = "";
    }
  });
  stream?.on("end", () => {
    if (rest !== "") onLine(rest);
  });
  stream?.on("error", () => {});
}
