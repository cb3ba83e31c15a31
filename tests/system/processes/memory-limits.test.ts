import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TaskFailedError, tasks } from "../../../src/client/index.ts";
import { start } from "../../cli/processes/programs.ts";
import { memoryBytes, startCluster, untilNothingIsLeft } from "./cluster.ts";

const MIB = 1024 * 1024;
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

test("a program that uses more memory than it asked for is ended, and told so", async () => {
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
});

test("programs that use more than the worker has are ended, the greatest first", async () => {
  await using cluster = await startCluster({ workers: 1, workerArgs: ["--memory", "300M"] });
  const client = await cluster.connect();
  const failure = await failureOf(client.submit(tasks.run(hog(500))).gather());
  expect(failure.message).toMatch(/together, and the worker has 300.0 MiB \(--memory\)/);
});

test("1 GB passes through two workers of 64 MB each, which stay within them", async () => {
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
});

test("when neither memory nor disk has room, tasks fail with the reason, and the worker goes on", async () => {
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
});

test("a place to spill to that cannot be made ends the start, with what to do", async () => {
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
});
