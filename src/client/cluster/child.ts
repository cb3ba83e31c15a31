import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { finished, type Readable } from "node:stream";
import { type ErrorCode, HyperloomError } from "../../core/model/errors.ts";

/** What of a log goes into an error. */
const LOG_TAIL_BYTES = 4096;
/** What the exit statuses of this package's executables stand for, where that has a code of its own. */
const CODE_BY_EXIT_STATUS: Readonly<Partial<Record<number, ErrorCode>>> = {
  4: "port-in-use",
  5: "work-directory-unusable",
};
/** Time that a child has to end by itself once its standard input has ended. */
const STOP_TIMEOUT_MS = 5000;

export type Child = AsyncDisposable & {
  readonly pid: number;
  /** What it announces on file descriptor 3: the text up to its end. */
  readonly announced: Promise<string>;
  /** Rejects when the child ends before it was stopped. */
  readonly untimelyEnd: Promise<never>;
  /** Lets the process of the caller end though the child still runs. */
  unref(): void;
};

/**
 * Starts a script of this package. It gets a pipe as its standard input, so that it sees the end of
 * this process, however that comes. Its output goes to a file that has no name any more.
 */
export function startChild(script: string, args: readonly string[]): Child {
  const logFd = openUnnamedLog();
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["pipe", logFd, logFd, "pipe"],
  });
  let isStopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  const untimelyEnd = ended.then((how) => {
    const tail = readTail(logFd);
    closeSync(logFd);
    if (isStopping) return new Promise<never>(() => {});
    throw new HyperloomError(
      CODE_BY_EXIT_STATUS[child.exitCode ?? 0] ?? "cluster-start-failed",
      `${basename(script)} ended with ${how}.${tail === "" ? "" : ` The end of its log:\n${tail}`}`,
    );
  });
  // Whoever starts a cluster listens to this; later, the server and the clients notice by themselves.
  untimelyEnd.catch(() => {});
  // It may end before it has read anything.
  child.stdin?.on("error", () => {});
  return {
    pid: child.pid ?? -1,
    announced: readAll(child.stdio[3] as Readable),
    untimelyEnd,
    unref() {
      child.unref();
      for (const stream of child.stdio) unrefStream(stream);
    },
    async [Symbol.asyncDispose]() {
      isStopping = true;
      child.ref();
      child.stdin?.destroy();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A log without a name takes no room after its last user, also if this process is killed. */
function openUnnamedLog(): number {
  const path = join(tmpdir(), `hyperloom-${randomUUID()}.log`);
  const fd = openSync(path, "ax+", 0o600);
  rmSync(path);
  return fd;
}

function readTail(fd: number): string {
  const { size } = fstatSync(fd);
  const tail = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  return tail.toString().trim();
}

function readAll(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) resolve(text);
    });
    finished(stream, () => resolve(text));
  });
}

function unrefStream(stream: ChildProcess["stdio"][number]): void {
  if (stream !== null && stream !== undefined && "unref" in stream) {
    (stream as { unref(): void }).unref();
  }
}
