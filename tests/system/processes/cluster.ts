import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { vi } from "vitest";
import { Client } from "../../../src/client/index.ts";
import { type Program, start } from "../../cli/processes/programs.ts";

/** A worker process of a test, and where it keeps its things. */
export type TestWorker = {
  readonly program: Program;
  readonly pid: number;
  /** The directory with `data/` and `run/`. */
  directory(): Promise<string>;
};

/** Real server and worker processes of one test. Disposal ends them and all that they started. */
export type TestCluster = AsyncDisposable & {
  readonly server: Program;
  readonly serverPid: number;
  readonly port: number;
  readonly address: string;
  /** Of this test alone. */
  readonly scratch: string;
  readonly workers: readonly TestWorker[];
  startWorker(
    args?: readonly string[],
    env?: Readonly<Record<string, string>>,
    cwd?: string,
  ): Promise<TestWorker>;
  connect(): Promise<Client>;
};

export async function startCluster(
  options: {
    readonly workers?: number;
    readonly cpus?: number;
    readonly serverArgs?: readonly string[];
    readonly workerArgs?: readonly string[];
  } = {},
): Promise<TestCluster> {
  const { workers: workerCount = 2, cpus = 2, serverArgs = [], workerArgs = [] } = options;
  const scratch = await mkdtemp(join(tmpdir(), "hyperloom-test-"));
  /** Ended in reverse order. */
  const owned: AsyncDisposable[] = [
    { [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) },
  ];
  const own = <T extends AsyncDisposable>(thing: T): T => {
    owned.push(thing);
    return thing;
  };
  const server = own(
    start("loom-server", ["--port", "0", "--ready-fd", "3", "--exit-with-stdin", ...serverArgs]),
  );
  const workers: TestWorker[] = [];
  const port = await readPort(server);

  const cluster: TestCluster = {
    server,
    serverPid: server.child.pid ?? 0,
    port,
    address: `127.0.0.1:${port}`,
    scratch,
    workers,
    async startWorker(args = [], env = {}, cwd = scratch) {
      const wdir = await mkdtemp(join(scratch, "worker-"));
      const flags = [
        "--exit-with-stdin",
        "--wdir",
        wdir,
        "--cpus",
        String(cpus),
        ...workerArgs,
        ...args,
      ];
      const program = own(
        start("loom-worker", [...flags, "127.0.0.1", String(port)], { env, cwd }),
      );
      await program.waitFor(/joined the server/);
      const worker: TestWorker = {
        program,
        pid: program.child.pid ?? 0,
        async directory() {
          const names = await readdir(wdir);
          const name = names.find((entry) => entry.startsWith(`worker-${hostname()}-`));
          if (name === undefined) throw new Error(`no work directory in ${wdir}: ${names}`);
          return join(wdir, name);
        },
      };
      workers.push(worker);
      return worker;
    },
    async connect() {
      return own(await Client.connect(cluster.address));
    },
    async [Symbol.asyncDispose]() {
      for (const thing of owned.splice(0).reverse()) await thing[Symbol.asyncDispose]();
    },
  };
  for (let i = 0; i < workerCount; i += 1) await cluster.startWorker();
  return cluster;
}

async function readPort(server: Program): Promise<number> {
  const [chunk] = (await Promise.race([
    once(server.child.stdio[3] as Readable, "data"),
    server.ended.then(({ stdout, stderr }) => {
      throw new Error(`the server ended:\n${stdout}${stderr}`);
    }),
  ])) as [Buffer];
  return Number(chunk.toString());
}

/** What is in a worker's `data/` and `run/`. */
export async function leftovers(worker: TestWorker): Promise<string[]> {
  const directory = await worker.directory();
  const names = await Promise.all(
    ["data", "run"].map(async (part) =>
      (await readdir(join(directory, part))).map((name) => `${part}/${name}`),
    ),
  );
  return names.flat();
}

/** Waits until no worker has anything in its directories, and the server knows no data object. */
export async function untilNothingIsLeft(
  cluster: Pick<TestCluster, "workers">,
  client: Client,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const { dataObjects } = await client.stats();
      const left = (await Promise.all(cluster.workers.map(leftovers))).flat();
      if (dataObjects > 0 || left.length > 0) {
        throw new Error(`${dataObjects} objects and ${left.length} entries are left: ${left}`);
      }
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** Memory of a process in bytes: in use now (`VmRSS`), or at most so far (`VmHWM`). */
export async function memoryBytes(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const line = status.split("\n").find((candidate) => candidate.startsWith(`${field}:`));
  const kib = Number(line?.match(/\d+/)?.[0]);
  if (!(kib > 0)) throw new Error(`no ${field} of process ${pid}`);
  return kib * 1024;
}
