import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Client, type Task, TaskFailedError, tasks } from "../../../src/client/index.ts";
import { findMarked } from "../../cli/processes/programs.ts";
import { startCluster, untilNothingIsLeft } from "./cluster.ts";

const count = (length: number) => Array.from({ length }, (_, i) => i);

describe("kill -9 of a worker", () => {
  test("in the middle of a plan changes nothing about its results", async () => {
    await using cluster = await startCluster({ workers: 3 });
    const client = await cluster.connect();
    // Two stages, so that data is lost as well as what runs.
    const first = count(60).map((i) =>
      tasks.run(["sh", "-c", `sleep 0.0${i % 5}; echo ${i}`], { label: `first: ${i}` }),
    );
    const second = first.map((input, i) =>
      tasks.run(["awk", "{ print 10 * $1 }"], {
        stdin: tasks.merge([input, first[(i + 7) % 60] ?? input]),
      }),
    );
    const futures = client.submit([...second, tasks.merge(first)]);
    await futures[5]?.wait();
    cluster.workers[0]?.program.child.kill("SIGKILL");
    const values = (await client.gather(futures)).map(String);
    count(60).forEach((i) => {
      expect(values[i]).toBe(`${10 * i}\n${10 * ((i + 7) % 60)}\n`);
    });
    expect(values[60]).toBe(
      count(60)
        .map((i) => `${i}\n`)
        .join(""),
    );
    expect((await client.stats()).workers).toBe(2);
  }, 60_000);

  test("ends its launcher and its programs, also those that left their process group", async () => {
    await using cluster = await startCluster({ workers: 1 });
    const client = await cluster.connect();
    const future = client.submit(
      tasks.run(["sh", "-c", "setsid sleep 1000 & sleep 1000"], { label: "sleeper" }),
    );
    future.wait().catch(() => {});
    const [worker] = cluster.workers;
    const mark = worker?.program.mark ?? "";
    await vi.waitFor(() => expect(programsOf(mark, "sleep")).toHaveLength(2), 10_000);
    worker?.program.child.kill("SIGKILL");
    await vi.waitFor(() => expect(findMarked(mark)).toEqual([]), { timeout: 5_000, interval: 5 });
  }, 30_000);

  test("leaves directories that the next worker removes", async () => {
    await using cluster = await startCluster({ workers: 0 });
    const wdir = join(cluster.scratch, "shared");
    const dead = await cluster.startWorker(["--wdir", wdir]);
    const client = await cluster.connect();
    await client.submit(tasks.run(["head", "-c", "3000000", "/dev/zero"])).wait();
    dead.program.child.kill("SIGKILL");
    await dead.program.ended;
    expect(workDirectories(wdir)).toHaveLength(1);
    const before = workDirectories(wdir);
    await cluster.startWorker(["--wdir", wdir]);
    await vi.waitFor(() => {
      expect(workDirectories(wdir)).toHaveLength(1);
      expect(workDirectories(wdir)).not.toEqual(before);
    }, 10_000);
  }, 30_000);
});

const workDirectories = (wdir: string): string[] =>
  readdirSync(wdir).filter((name) => name.startsWith("worker-"));

/** Processes with the mark that run a program of this name. */
function programsOf(mark: string, name: string): number[] {
  return findMarked(mark).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name;
    } catch {
      return false; // It ended while we looked.
    }
  });
}

test("kill -9 of a client that is not to come back ends its programs and leaves nothing of its data", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const observer = await cluster.connect();
  const script = `
    import { Client, tasks } from "hyperloom";
    const client = await Client.connect(process.argv[1], { reconnectForMs: 0 });
    const data = client.submit(tasks.run(["head", "-c", "5000000", "/dev/zero"]));
    await data.wait();
    const sleepers = [1, 2, 3].map(() =>
      tasks.run(["sh", "-c", "sleep 1000 & wait"], { stdin: data }),
    );
    client.submit(sleepers);
    console.log("submitted");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, cluster.address], {
    cwd: join(import.meta.dirname, "../../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const running = () => cluster.workers.flatMap(({ program }) => programsOf(program.mark, "sleep"));
  await vi.waitFor(() => expect(running()).toHaveLength(3), 10_000);
  child.kill("SIGKILL");
  await vi.waitFor(() => expect(running()).toEqual([]), { timeout: 5_000, interval: 5 });
  await untilNothingIsLeft(cluster, observer);
  expect((await observer.submit(tasks.const("still here")).gather()).toString()).toBe("still here");
}, 30_000);

describe("a task that fails", () => {
  test("rejects with its whole story, and its plan with it; other plans go on", async () => {
    await using cluster = await startCluster({ workers: 2 });
    const client = await cluster.connect();
    const bad = tasks.run(["sh", "-c", "echo broken >&2; exit 7"], { label: "step: bad" });
    const slow = tasks.run(["sleep", "1000"]);
    const futures = client.submit([bad, slow, tasks.merge([bad])]);
    const other = client.submit(tasks.run(["echo", "fine"]));
    const error = await futures[0].wait().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TaskFailedError);
    expect(error).toMatchObject({
      exitCode: 7,
      stderr: "broken\n",
      label: "step: bad",
      attempts: 1,
    });
    await expect(futures[1].wait()).rejects.toMatchObject({ cause: error });
    await expect(futures[2].wait()).rejects.toMatchObject({ cause: error });
    expect((await other.gather()).toString()).toBe("fine\n");
    await vi.waitFor(() => {
      expect(cluster.workers.flatMap(({ program }) => programsOf(program.mark, "sleep"))).toEqual(
        [],
      );
    }, 5_000);
    await untilNothingIsLeft(cluster, client);
  }, 30_000);

  const failing: readonly [string, Task<Buffer>, RegExp][] = [
    ["no such program", tasks.run(["no-such-program"]), /no-such-program/],
    ["a signal", tasks.run(["sh", "-c", "kill -SEGV $$"]), /SIGSEGV/],
    ["no such file", tasks.open("/no/such/file"), /\/no\/such\/file/],
    ["a missing output", tasks.run(["true"], { outputs: ["out"] }), /Output 'out' error/],
    ["an array where bytes are needed", mergeOfArray(), /expected raw data/],
  ];
  test.each(failing)("by %s says so", async (_, task, message) => {
    await using cluster = await startCluster({ workers: 1 });
    const client = await cluster.connect();
    await expect(client.submit(task).wait()).rejects.toThrow(message);
    await untilNothingIsLeft(cluster, client);
  });
});

/** What the types forbid, and other clients may send. */
function mergeOfArray(): Task<Buffer> {
  const array: unknown = tasks.array([tasks.const("x")]);
  return tasks.merge([array as Task<Buffer>]);
}

test("work waits for a worker that joins later, and a late worker gets some of what waits", async () => {
  await using cluster = await startCluster({ workers: 0, cpus: 1 });
  const client = await cluster.connect();
  const futures = client.submit(
    count(12).map(() => tasks.run(["sh", "-c", "sleep 0.3; echo $PPID"])),
  );
  await cluster.startWorker();
  await futures[0]?.wait();
  await cluster.startWorker();
  const launchers = new Set((await client.gather(futures)).map(String));
  expect(launchers.size).toBe(2);
}, 30_000);

test("losing the server rejects what waits, clearly", async () => {
  await using cluster = await startCluster({ workers: 1 });
  const client = await Client.connect(cluster.address, { reconnectForMs: 500 });
  const future = client.submit(tasks.run(["sleep", "1000"]));
  const waiting = future.wait();
  cluster.server.child.kill("SIGKILL");
  await expect(waiting).rejects.toThrow(/server/);
  await client[Symbol.asyncDispose]();
});
