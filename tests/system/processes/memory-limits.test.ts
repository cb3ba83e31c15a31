import { readFileSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { TaskFailedError, tasks } from "../../../src/client/index.ts";
import { start } from "../../cli/processes/programs.ts";
import { memoryBytes, startCluster, untilNothingIsLeft } from "./cluster.ts";

const MIB = 1024 * 1024;
/** Much is written, and others may use the disk. */
const DEADLINE_MS = 180_000;
/** What a worker's own program takes, with what its engine has not given back. */
const WORKER_BYTES = 200 * MIB;
/** A program that takes so many MiB, and then waits. */
const hog = (mib: number): string[] => [
  process.execPath,
  "-e",
  `globalThis.all = Buffer.alloc(${mib} * 1024 * 1024, 1); setTimeout(() => {}, 300_000);`,
];

const failureOf = async (result: Promise<unknown>): Promise<TaskFailedError> => {
  const error = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TaskFailedError) return error;
  throw new Error(`expected a failed task, got ${String(error)}`);
};

test(
  "a program that uses more memory than it asked for is ended, and told so",
  async () => {
    await using cluster = await startCluster({ workers: 1, workerArgs: ["--memory", "1G"] });
    const client = await cluster.connect();
    const { workers } = await client.status();
    expect(workers[0]?.resources).toEqual({ memory: 1024 });
    const program = tasks.run(hog(400), { resources: { cpus: 1, memory: "200M" } });
    const failure = await failureOf(client.submit(program).gather());
    expect(failure.message).toMatch(
      /out of memory: it used .* of memory, and its task asked for 200.0 MiB; ask for more by resources.memory/,
    );
    const enough = tasks.run(["echo", "x"], { resources: { memory: "200M" } });
    expect(String(await client.submit(enough).gather())).toBe("x\n");
  },
  DEADLINE_MS,
);

test(
  "programs that use more than the worker has are ended, the greatest first",
  async () => {
    await using cluster = await startCluster({ workers: 1, workerArgs: ["--memory", "300M"] });
    const client = await cluster.connect();
    const failure = await failureOf(client.submit(tasks.run(hog(500))).gather());
    expect(failure.message).toMatch(/together, and the worker has 300.0 MiB \(--memory\)/);
  },
  DEADLINE_MS,
);

test(
  "1 GB passes through two workers of 64 MB each, which stay within them",
  async () => {
    await using cluster = await startCluster({ workers: 2, workerArgs: ["--memory", "64M"] });
    const client = await cluster.connect();
    const half = tasks.const(Buffer.alloc(400_000, "0123456789abcdef"));
    const groups = 56;
    const each = 24;
    const pieces = Array.from({ length: groups * each }, (_, i) =>
      tasks.merge([tasks.const(String(i).padStart(16, "0")), half, half]),
    );
    // Each takes pieces from all over.
    const merged = Array.from({ length: groups }, (_, g) =>
      tasks.merge(Array.from({ length: each }, (_piece, k) => pieces[k * groups + g] ?? half)),
    );
    const heads = merged.map((task) => tasks.get(tasks.split(task, { delimiter: "f" }), 0));
    const [size, ...found] = await client.gather(client.submit([tasks.size(merged), ...heads]));
    expect(Buffer.from(size as Uint8Array).readBigUInt64LE()).toBe(BigInt(groups * each * 800_016));
    found.forEach((head, g) => {
      expect(String(head)).toBe(`${String(g).padStart(16, "0")}0123456789abcdef`);
    });
    for (const { pid } of cluster.workers) {
      expect(await memoryBytes(pid, "VmHWM")).toBeLessThan(64 * MIB + WORKER_BYTES);
    }
    await untilNothingIsLeft(cluster, client);
  },
  DEADLINE_MS,
);

test(
  "when neither memory nor disk has room, tasks fail with the reason, and the worker goes on",
  async () => {
    const workerArgs = ["--memory", "16M", "--spill-quota", "1M"];
    await using cluster = await startCluster({ workers: 1, workerArgs });
    const client = await cluster.connect();
    const pieces = Array.from({ length: 100 }, (_, i) => tasks.const(Buffer.alloc(800_000, i)));
    const failure = await failureOf(client.submit(tasks.array(pieces)).gather());
    expect(failure.message).toMatch(
      /memory of 16.0 MiB is full, and data cannot be spilled to disk: the quota of 1.0 MiB for spilled data is used up \(--spill-quota\)/,
    );
    expect(
      String(await client.submit(tasks.merge([tasks.const("a"), tasks.const("b")])).gather()),
    ).toBe("ab");
  },
  DEADLINE_MS,
);

test(
  "where the work directory is in memory, its files count, and what has no room goes to the disk",
  async () => {
    await using cluster = await startCluster({ workers: 0 });
    const inMemory = await mkdtemp("/dev/shm/hyperloom-test-");
    onTestFinished(() => rm(inMemory, { recursive: true, force: true }));
    const onDisk = join(cluster.scratch, "disk");
    await cluster.startWorker(["--memory", "64M", "--wdir", inMemory, "--spill-dir", onDisk]);
    const client = await cluster.connect();
    const block = tasks.const(Buffer.alloc(500_000, "0123456789abcdef"));
    const merged = Array.from({ length: 20 }, (_, i) =>
      tasks.merge([tasks.const(String(i).padStart(16, "0")), ...Array(8).fill(block)]),
    );
    const written = Array.from({ length: 20 }, (_, i) =>
      tasks.run(["/bin/sh", "-c", `yes ${1000 + i} | head -c 4000000`], { resources: { cpus: 1 } }),
    );
    const all = client.submit([...merged, ...written]);
    await client.wait(all);
    let mostInMemory = 0;
    for (const entry of await readdir(inMemory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) mostInMemory += statSync(join(entry.parentPath, entry.name)).size;
    }
    // What runs at a time is in memory while it is written.
    expect(mostInMemory).toBeLessThan(64 * MIB + 2 * 4_000_000);
    const names = await readdir(onDisk, { recursive: true });
    expect(names.some((name) => /file-/.test(name))).toBe(true);
    for (const [i, future] of all.entries()) {
      const bytes = Buffer.from(await future.fetch());
      if (i < 20) {
        expect(bytes.length).toBe(4_000_016);
        expect(bytes.subarray(0, 20).toString()).toBe(`${String(i).padStart(16, "0")}0123`);
      } else {
        expect(bytes.length).toBe(4_000_000);
        expect(bytes.subarray(0, 10).toString()).toBe(`${980 + i}\n${980 + i}\n`);
      }
    }
    // A program sees such a file as any other.
    const last = await client
      .submit(tasks.run(["wc", "-c"], { stdin: merged[19] ?? block }))
      .gather();
    expect(Number(String(last))).toBe(4_000_016);
  },
  DEADLINE_MS,
);

test(
  "a disk that is full is told, and left with what it is to keep free",
  async () => {
    await using cluster = await startCluster({
      workers: 1,
      workerArgs: ["--memory", "16M", "--spill-keep-free", "1000T"],
    });
    const client = await cluster.connect();
    const pieces = Array.from({ length: 60 }, (_, i) => tasks.const(Buffer.alloc(800_000, i)));
    const failure = await failureOf(client.submit(tasks.array(pieces)).gather());
    expect(failure.message).toMatch(
      /only .* are free on the disk of '.*', of which 1000.0 TiB are kept/,
    );
  },
  DEADLINE_MS,
);

test(
  "a place to spill to that cannot be made ends the start, with what to do",
  async () => {
    await using cluster = await startCluster({ workers: 0 });
    const file = "/proc/version";
    expect(readFileSync(file).length).toBeGreaterThan(0);
    await using worker = start("loom-worker", [
      "--spill-dir",
      `${file}/x`,
      "127.0.0.1",
      String(cluster.port),
    ]);
    const { code, stderr } = await worker.ended;
    expect(code).toBe(5);
    expect(stderr).toMatch(
      /Data cannot be spilled to '\/proc\/version\/x': .*Choose another place with --spill-dir/,
    );
  },
  DEADLINE_MS,
);
