import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Launcher, startLauncher } from "../../../src/worker/launcher/launcher.ts";
import type { ProgramEnd, ProgramStart } from "../../../src/worker/launcher/program.ts";
import type { Builds } from "./builds.ts";

/** The arguments may be given as text. */
export type ProgramOptions = Partial<Omit<ProgramStart, "args">>;

/** A launcher with directories as a worker has them. */
export type Workbench = AsyncDisposable & {
  readonly launcher: Launcher;
  readonly dataDirectory: string;
  readonly logs: readonly string[];
  /** Makes a program with a run id and a directory of its own; stdout and stderr go to files there. */
  create(args: readonly (string | Uint8Array)[], options?: ProgramOptions): ProgramStart;
  /** Makes and starts one. */
  run(args: readonly (string | Uint8Array)[], options?: ProgramOptions): Promise<ProgramEnd>;
  /** Runs a program that must exit 0, and returns its stdout. */
  print(args: readonly (string | Uint8Array)[], options?: ProgramOptions): Promise<Buffer>;
};

export async function startWorkbench(kind: Launcher["kind"], builds: Builds): Promise<Workbench> {
  const directory = mkdtempSync(join(tmpdir(), "loom-launcher-test-"));
  const dataDirectory = join(directory, "data");
  mkdirSync(dataDirectory);
  const logs: string[] = [];
  const launcher = await startLauncher({
    dataDirectory,
    compiledPath: kind === "compiled" ? builds.compiledPath : undefined,
    nodePath: builds.nodePath,
    onLog: (text) => logs.push(text),
  });
  let lastRunId = 0;
  const create: Workbench["create"] = (args, options = {}) => {
    const runId = ++lastRunId;
    const cwd = join(directory, "run", String(runId));
    mkdirSync(cwd, { recursive: true });
    return {
      runId,
      cwd,
      args: args.map((word) => (typeof word === "string" ? Buffer.from(word) : word)),
      env: [],
      paths: [],
      cpus: [],
      stdinPath: undefined,
      stdoutPath: "+out",
      stderrPath: "+err",
      ...options,
    };
  };
  return {
    launcher,
    dataDirectory,
    logs,
    create,
    run: (args, options) => launcher.start(create(args, options)),
    print: async (args, options) => {
      const program = create(args, options);
      const end = await launcher.start(program);
      const stderr = readText(join(program.cwd, "+err"));
      expect({ ...end, stderr }).toMatchObject({ kind: "exited", exitCode: 0, stderr: "" });
      return readFileSync(join(program.cwd, "+out"));
    },
    [Symbol.asyncDispose]: async () => {
      await launcher[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** Waits until `find` finds something. Fails loudly, far beyond what a busy machine needs. */
export async function waitFor<Value>(what: string, find: () => Value | undefined): Promise<Value> {
  const limitMs = performance.now() + 20_000;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (performance.now() > limitMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Waits for a file with as many pids, one a line, and returns them. */
export function waitForPids(path: string, count: number): Promise<number[]> {
  return waitFor(`${count} pids in ${path}`, () => {
    const lines = readText(path).split("\n");
    return lines.length > count ? lines.slice(0, count).map(Number) : undefined;
  });
}

/** Whether a process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

export function waitForEnd(pids: readonly number[]): Promise<true> {
  return waitFor(`the end of ${pids}`, () => (pids.some(isAlive) ? undefined : true));
}
