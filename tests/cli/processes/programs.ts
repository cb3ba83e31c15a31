import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll } from "vitest";

/** Where `npm run build` puts the executables. */
export const BIN = join(import.meta.dirname, "../../../dist/bin");

const DEADLINE_MS = 20_000;

export type Ended = {
  /** Exit status; null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** A program of ours that was started for a test; disposing of it kills it. */
export type Program = AsyncDisposable & {
  readonly child: ChildProcess;
  /** In the environment of the program and of all that it starts. */
  readonly mark: string;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** The first match in what it wrote to stdout and stderr, once there is one. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
};

export type StartOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Starts it in a process group of its own, as a shell does: `kill -INT -pid` is then Ctrl-C. */
  readonly detached?: boolean;
  /** Path of the executable, instead of the one in BIN. */
  readonly path?: string;
};

const living = new Set<ChildProcess>();

// Registered with each file of tests that imports this: nothing outlives it, also when a test
// failed before it could dispose of what it had started.
afterAll(() => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts an executable directly, by its shebang, with stdin as an open pipe. */
export function start(name: string, args: readonly string[], options: StartOptions = {}): Program {
  const mark = `HYPERLOOM_TEST_MARK=${randomUUID()}`;
  const [markName = "", markValue = ""] = mark.split("=");
  const env = { ...process.env, HYPERLOOM_SERVER: undefined, ...options.env };
  const child = spawn(options.path ?? join(BIN, `${name}.js`), args, {
    cwd: options.cwd,
    env: { ...env, [markName]: markValue },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    detached: options.detached ?? false,
  });
  living.add(child);
  const output = { 1: "", 2: "" };
  const listeners = new Set<() => void>();
  for (const fd of [1, 2] as const) {
    (child.stdio[fd] as Readable).setEncoding("utf8").on("data", (text: string) => {
      output[fd] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      living.delete(child);
      resolve({ code, signal, stdout: output[1], stderr: output[2] });
      for (const listener of listeners) listener();
    });
  });

  return {
    child,
    mark,
    ended,
    stdout: () => output[1],
    stderr: () => output[2],
    waitFor(pattern) {
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          stopListening();
          reject(new Error(`${why} before ${pattern}:\n${output[1]}${output[2]}`));
        };
        const check = (): void => {
          const match = pattern.exec(output[1]) ?? pattern.exec(output[2]);
          if (match !== null) {
            stopListening();
            resolve(match);
          } else if (child.exitCode !== null || child.signalCode !== null) {
            fail(`${name} ended`);
          }
        };
        const timer = setTimeout(() => fail("Time was up"), DEADLINE_MS);
        const stopListening = (): void => {
          clearTimeout(timer);
          listeners.delete(check);
        };
        listeners.add(check);
        check();
      });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended.catch(() => undefined);
      await untilGone(mark);
    },
  };
}

/** Runs an executable to its end. */
export async function runToEnd(
  name: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Ended> {
  await using program = start(name, args, options);
  program.child.stdin?.end();
  return await program.ended;
}

/** Ids of the living processes that carry the mark. */
export function findMarked(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isZombie = /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
        return !isZombie && readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark);
      } catch {
        return false; // It ended while we looked.
      }
    })
    .map(Number);
}

/** Waits until no process carries the mark. */
export async function untilGone(mark: string): Promise<void> {
  await until(() => findMarked(mark).length === 0, `processes are left: ${findMarked(mark)}`);
}

/** Waits until a condition holds; fails with `otherwise` when it does not within the deadline. */
export async function until(condition: () => boolean, otherwise: string): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
