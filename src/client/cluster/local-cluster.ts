import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HyperloomError } from "../../core/model/errors.ts";
import { tellsOwners } from "../../transport/security/peer-owner.ts";
import { raceAbort } from "../abort.ts";
import { Client } from "../client.ts";
import { invalidArgument } from "../errors.ts";
import type { Resources } from "../tasks/resources.ts";
import { type Child, startChild } from "./child.ts";
import { findExecutable } from "./executables.ts";

const POLL_EVERY_MS = 3;

export type LocalWorkerOptions = {
  /** Cpus that it offers; default: those of this machine, shared out among the workers. */
  readonly cpus?: number;
  /** What else it offers, such as `{ gpus: 2 }`. */
  readonly resources?: Omit<Resources, "cpus">;
  /** Memory for data, functions and programs, such as `"2G"`; default: most of this machine's, shared out. */
  readonly memory?: string;
  /** Where it puts data that does not fit into memory; default: its work directory, if that is on a disk. */
  readonly spillDirectory?: string;
  /** Where it makes its work directory; default: the system's temporary directory. */
  readonly workDirectory?: string;
  /** Paths of modules with task types of your own. */
  readonly load?: readonly string[];
  /** Programs run on any cpus instead of those that their task was given; default: true. */
  readonly pin?: boolean;
};

export type LocalClusterOptions = LocalWorkerOptions & {
  /** How many workers; default: 1. */
  readonly workers?: number;
  /** The port of the server; default: any free one. */
  readonly port?: number;
  /** Ends the start, and all that was started. */
  readonly signal?: AbortSignal;
};

/**
 * A server and workers on this machine, as processes of their own. They end when the cluster is
 * disposed of, and also when this process ends in any other way.
 */
export class LocalCluster implements AsyncDisposable {
  /** Where clients connect: `127.0.0.1:port`. */
  readonly address: string;
  readonly #server: Child;
  readonly #workers: Child[];
  readonly #options: LocalClusterOptions;

  private constructor(
    address: string,
    server: Child,
    workers: Child[],
    options: LocalClusterOptions,
  ) {
    this.address = address;
    this.#server = server;
    this.#workers = workers;
    this.#options = options;
  }

  /**
   * Starts the processes; resolves when all workers have joined. Rejects with the code
   * `cluster-start-failed` and the end of the log if one of them ends instead.
   */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const { workers: workerCount = 1, port = 0, signal } = options;
    if (!Number.isInteger(workerCount) || workerCount < 0) {
      throw invalidArgument(`workers must be a whole number >= 0, but is ${workerCount}`);
    }
    signal?.throwIfAborted();
    const server = startChild(findExecutable("loom-server.js"), serverArgs(port));
    const workers: Child[] = [];
    try {
      const address = `127.0.0.1:${await announcedPort(server, signal)}`;
      const workerOptions = { cpus: cpuShare(workerCount), ...options };
      for (let i = 0; i < workerCount; i++) {
        workers.push(startWorker(address, workerOptions, workerCount));
      }
      await joined(address, [server, ...workers], workerCount, signal);
      const cluster = new LocalCluster(address, server, workers, workerOptions);
      for (const child of [server, ...workers]) child.unref();
      return cluster;
    } catch (error) {
      await stopAll([server, ...workers]);
      throw error;
    }
  }

  /** Process ids of the workers that were started, in that order. */
  get workerPids(): readonly number[] {
    return this.#workers.map(({ pid }) => pid);
  }

  get serverPid(): number {
    return this.#server.pid;
  }

  /** Starts one more worker, like the others unless told otherwise. Resolves when it has joined. */
  async addWorker(options: LocalWorkerOptions & { signal?: AbortSignal } = {}): Promise<void> {
    await using client = await Client.connect(this.address, options);
    const { workers } = await client.stats(options);
    const sharers = this.#workers.length + 1;
    const worker = startWorker(this.address, { ...this.#options, ...options }, sharers);
    try {
      await Promise.race([untilJoined(client, workers + 1, options.signal), worker.untimelyEnd]);
    } catch (error) {
      await stopAll([worker]);
      throw error;
    }
    worker.unref();
    this.#workers.push(worker);
  }

  /** Resolves when the server has ended without `close`: asked to by a client, or killed. */
  serverEnded(): Promise<void> {
    return this.#server.untimelyEnd.catch(() => {});
  }

  /** Ends all processes and waits for their end. */
  close(): Promise<void> {
    return stopAll([this.#server, ...this.#workers]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function cpuShare(workerCount: number): number {
  return Math.max(1, Math.floor(availableParallelism() / Math.max(workerCount, 1)));
}

function serverArgs(port: number): string[] {
  const args = ["--host", "127.0.0.1", "--port", `${port}`, "--exit-with-stdin", "--ready-fd", "3"];
  // Where the kernel does not vouch for our own processes, they find the file that the server writes.
  return tellsOwners() ? [...args, "--access-file", "none"] : args;
}

function startWorker(address: string, options: LocalWorkerOptions, sharers: number): Child {
  const [host = "", port = ""] = address.split(":");
  const args = ["--exit-with-stdin", "--cpus", `${options.cpus ?? cpuShare(1)}`];
  args.push("--memory-share", `${sharers}`);
  if (options.memory !== undefined) args.push("--memory", options.memory);
  if (options.spillDirectory !== undefined)
    args.push("--spill-dir", resolve(options.spillDirectory));
  for (const [name, amount] of Object.entries(options.resources ?? {})) {
    args.push("--resource", `${name}=${amount}`);
  }
  if (options.workDirectory !== undefined) args.push("--wdir", resolve(options.workDirectory));
  for (const path of options.load ?? []) args.push("--load", resolve(path));
  if (options.pin === false) args.push("--nopin");
  return startChild(findExecutable("loom-worker.js"), [...args, host, port]);
}

async function announcedPort(server: Child, signal: AbortSignal | undefined): Promise<number> {
  const text = await raceAbort(Promise.race([server.announced, server.untimelyEnd]), signal);
  const port = Number(/\d+/.exec(text)?.[0]);
  if (port > 0) return port;
  // It closed the descriptor without a word, so it is about to end, and to say why.
  return await raceAbort(
    Promise.race([
      server.untimelyEnd,
      delay(1000).then(() => {
        throw new HyperloomError("cluster-start-failed", "The server did not say its port.");
      }),
    ]),
    signal,
  );
}

/** Resolves when so many workers are registered. */
async function joined(
  address: string,
  children: readonly Child[],
  workerCount: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (workerCount === 0) return;
  await using client = await Client.connect(address, {
    name: "local cluster",
    ...(signal === undefined ? {} : { signal }),
  });
  const untimelyEnds = children.map(({ untimelyEnd }) => untimelyEnd);
  await Promise.race([untilJoined(client, workerCount, signal), ...untimelyEnds]);
}

async function untilJoined(
  client: Client,
  workerCount: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  while ((await client.stats({ signal })).workers < workerCount) {
    await delay(POLL_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function stopAll(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
}
