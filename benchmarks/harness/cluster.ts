import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { RunContext } from "./cases.ts";

export type WorkerSpec = {
  readonly cpus: number;
  /** Such as `["left=1"]`. */
  readonly resources?: readonly string[];
  readonly args?: readonly string[];
  /** Put before the command, such as `ip netns exec a`. */
  readonly prefix?: readonly string[];
};

export type ClusterSpec = {
  readonly workers: readonly WorkerSpec[];
  /** Address that the server listens at; default 127.0.0.1. */
  readonly host?: string;
  readonly serverPrefix?: readonly string[];
};

/** A server and workers of one build, as processes whose CPU and memory can be read. */
export type BenchCluster = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** Pids by name: "server", "worker 1", ... */
  readonly pids: Readonly<Record<string, number>>;
  /** Starts one more worker; it may not have registered yet. */
  addWorker(spec: WorkerSpec): number;
  /** Starts something else that ends with its standard input; it is measured like the others. */
  addProcess(name: string, command: readonly string[]): number;
};

/** Time that a process has to end by itself once its standard input has ended. */
const STOP_TIMEOUT_MS = 10_000;

/** Arguments of Node that make the process leave a profile. */
export function profileArgs(context: RunContext, name: string): string[] {
  const { profileDirectory } = context;
  if (profileDirectory === undefined) return [];
  const file = `${name.replaceAll(" ", "-")}-${process.hrtime.bigint()}.cpuprofile`;
  return ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`, `--cpu-prof-name=${file}`];
}

/**
 * Starts the processes from `dist/bin` of the subject's build. The workers may not have registered
 * yet. On disposal all of them end; what they logged is shown if one of them failed.
 */
export async function startCluster(context: RunContext, spec: ClusterSpec): Promise<BenchCluster> {
  const { subject } = context;
  if (subject.kind === "dask") throw new Error("a Dask cluster is started by its own driver");
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-bench-"));
  const bin = join(subject.directory, "dist/bin");
  const children: Started[] = [];
  const pids: Record<string, number> = {};
  const { host = "127.0.0.1" } = spec;

  const addProcess = (name: string, command: readonly string[]): Started => {
    const started = startProcess(command, join(directory, `${name.replace(" ", "-")}.log`));
    children.push(started);
    pids[name] = started.child.pid ?? -1;
    return started;
  };
  const start = (name: string, script: string, args: string[], prefix: readonly string[] = []) => {
    const nodeArgs = [...profileArgs(context, name), join(bin, script), "--exit-with-stdin"];
    return addProcess(name, [...prefix, process.execPath, ...nodeArgs, ...args]);
  };
  const stop = async (): Promise<void> => {
    // The server last: a worker that loses its server ends with an error.
    for (const child of children.slice(1)) await stopProcess(child);
    for (const child of children.slice(0, 1)) await stopProcess(child);
    rmSync(directory, { recursive: true, force: true });
  };

  try {
    const serverArgs = ["--host", host, "--port", "0", "--ready-fd", "3"];
    if (subject.kind === "build" && subject.keepsJournal) {
      serverArgs.push("--journal", join(directory, "journal"));
    }
    const server = start("server", "loom-server.js", serverArgs, spec.serverPrefix);
    const port = await announcedPort(server);
    const addWorker = ({ cpus, resources = [], args = [], prefix }: WorkerSpec): number => {
      const flags = resources.flatMap((resource) => ["--resource", resource]);
      const rest = ["--wdir", directory, "--cpus", `${cpus}`, ...flags, ...args, host, `${port}`];
      const name = `worker ${children.length}`;
      return start(name, "loom-worker.js", rest, prefix).child.pid ?? -1;
    };
    for (const worker of spec.workers) addWorker(worker);
    return {
      host,
      port,
      pids,
      addWorker,
      addProcess: (name, command) => addProcess(name, command).child.pid ?? -1,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Started = {
  readonly child: ChildProcess;
  readonly logPath: string;
  readonly ended: Promise<string>;
};

function startProcess(command: readonly string[], logPath: string): Started {
  const [program = "", ...args] = command;
  const log = openSync(logPath, "a");
  const child = spawn(program, args, { stdio: ["pipe", log, log, "pipe"] });
  closeSync(log);
  child.stdin?.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
  return { child, logPath, ended };
}

async function stopProcess({ child, logPath, ended }: Started): Promise<void> {
  child.stdin?.destroy();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  const how = await ended;
  clearTimeout(timer);
  if (how === "status 0") return;
  process.stderr.write(
    `${logPath} ended with ${how}:\n${readFileSync(logPath, "utf8").slice(-2000)}`,
  );
}

async function announcedPort({ child, logPath, ended }: Started): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    (child.stdio[3] as Readable).setEncoding("utf8").once("data", resolve);
    void ended.then((how) =>
      reject(new Error(`the server ended with ${how}: ${readFileSync(logPath, "utf8")}`)),
    );
  });
  return Number(/\d+/.exec(text)?.[0]);
}
