import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { Client, tasks } from "../../../src/client/index.ts";
import { BIN, runToEnd, start } from "../../cli/processes/programs.ts";
import { startCluster, untilNothingIsLeft } from "./cluster.ts";

/** What a shell limits for the program, which takes its place. */
const limited = (limits: string, program: string, args: readonly string[]): string[] => [
  "-c",
  `${limits}; exec "$@"`,
  "sh",
  process.execPath,
  join(BIN, `${program}.js`),
  ...args,
];

/** A small file system in memory at this place; false where this process may not mount one. */
function mountSmall(path: string, megabytes: number): boolean {
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

describe("a full disk", () => {
  const FREE_MB = 24;

  /** A plan whose result has so many bytes, which a program of the worker makes. */
  const made = (megabytes: number) => tasks.run(`head -c ${megabytes}000000 /dev/zero`);

  test("fails the task that needs room, says so, and nothing else", async () => {
    await using cluster = await startCluster({ workers: 0 });
    const disk = join(cluster.scratch, "disk");
    const isMounted = mountSmall(disk, FREE_MB);
    try {
      // Where nothing can be mounted, no file of the worker can be longer than that.
      const limits = isMounted ? "true" : `trap "" XFSZ; ulimit -f ${FREE_MB * 2048}`;
      const args = ["--exit-with-stdin", "--wdir", disk, "--cpus", "2", "--spill-keep-free", "0"];
      await using worker = start(
        "sh",
        limited(limits, "loom-worker", [...args, "127.0.0.1", String(cluster.port)]),
        { path: "/bin/sh" },
      );
      await worker.waitFor(/joined the server/);
      const client = await cluster.connect();

      const small = client.submit(tasks.run("echo still here"));
      const tooLarge = client.submit(made(4 * FREE_MB));
      await expect(tooLarge.wait()).rejects.toThrow(
        isMounted ? /the disk of .* is full|ENOSPC/ : /File too large|EFBIG/,
      );
      expect((await small.gather()).toString()).toBe("still here\n");
      // What could not be finished takes no room any more.
      for (let turn = 0; turn < 4; turn += 1) {
        const value = await client.submit(made(FREE_MB / 2)).gather();
        expect(value.length).toBe((FREE_MB / 2) * 1e6);
      }
      await vi.waitFor(async () => expect((await client.stats()).dataObjects).toBe(0), 10_000);
      worker.child.kill("SIGTERM");
      expect((await worker.ended).code).toBe(0);
      expect(readdirSync(disk).filter((name) => name.startsWith("worker-"))).toEqual([]);
    } finally {
      if (isMounted) execFileSync("umount", ["-l", disk]);
    }
  }, 120_000);

  test("of a checkpoint fails its task and names the path", async () => {
    await using cluster = await startCluster({ workers: 1 });
    const disk = join(cluster.scratch, "disk");
    const isMounted = mountSmall(disk, 1);
    try {
      // Without a small disk, one that cannot be written to: a file is in the place of a directory.
      const path = isMounted ? join(disk, "saved") : join(cluster.scratch, "file", "saved");
      if (!isMounted) writeFileSync(join(cluster.scratch, "file"), "");
      const client = await cluster.connect();
      const large = tasks.run("head -c 5000000 /dev/zero", { checkpoint: path });
      await expect(client.submit(large).wait()).rejects.toThrow(/saved/);
      if (isMounted) expect(readdirSync(disk)).toEqual([]);
      expect((await client.submit(tasks.run("echo on")).gather()).toString()).toBe("on\n");
    } finally {
      if (isMounted) execFileSync("umount", ["-l", disk]);
    }
  }, 60_000);
});

describe("a directory that cannot be written to", () => {
  test.each([
    ["loom-worker", (path: string, port: number) => ["--wdir", path, "127.0.0.1", String(port)]],
    ["loom-server", (path: string) => ["--port", "0", "--journal", path]],
  ] as const)(
    "ends %s at once, with a sentence that names it",
    async (program, argsFor) => {
      await using cluster = await startCluster({ workers: 0 });
      // A file in the place of its parent is in the way of root, too.
      writeFileSync(join(cluster.scratch, "file"), "");
      const path = join(cluster.scratch, "file", "inside");
      const { code, stdout, stderr } = await runToEnd(program, argsFor(path, cluster.port));
      expect(code).not.toBe(0);
      expect(code).not.toBeNull();
      expect(stderr + stdout).toContain(path);
      expect(stderr + stdout).not.toMatch(/^ {4}at /m);
    },
    60_000,
  );

  test("fails the save to it, and nothing else", async () => {
    await using cluster = await startCluster({ workers: 1 });
    writeFileSync(join(cluster.scratch, "file"), "");
    const path = join(cluster.scratch, "file", "saved.txt");
    const client = await cluster.connect();
    await expect(client.submit(tasks.save(tasks.const("x"), path)).wait()).rejects.toThrow(
      /saved\.txt/,
    );
    expect((await client.submit(tasks.run("echo on")).gather()).toString()).toBe("on\n");
    await untilNothingIsLeft(cluster, client);
  }, 60_000);
});

describe("no more file descriptors", () => {
  test("a server refuses more connections, serves those that it has, and takes others later", async () => {
    const args = ["--port", "0", "--exit-with-stdin"];
    await using server = start("sh", limited("ulimit -n 64", "loom-server", args), {
      path: "/bin/sh",
    });
    const [, port = ""] = await server.waitFor(/server listens .*port=(\d+)/);
    await using client = await Client.connect(`127.0.0.1:${port}`);
    const sockets = Array.from({ length: 120 }, () => connect(Number(port), "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {});
    await Promise.all(sockets.map(connectedOrClosed));
    expect((await client.stats()).workers).toBe(0);
    for (const socket of sockets) socket.destroy();
    await using later = await connectAgain(port);
    expect((await later.stats()).workers).toBe(0);
    expect(server.child.exitCode).toBeNull();
  }, 60_000);

  test("a worker goes on with what it can do, and says what it cannot", async () => {
    await using cluster = await startCluster({ workers: 0 });
    const args = ["--exit-with-stdin", "--wdir", join(cluster.scratch, "w"), "--cpus", "4"];
    mkdirSync(join(cluster.scratch, "w"));
    await using worker = start(
      "sh",
      limited("ulimit -n 48", "loom-worker", [...args, "127.0.0.1", String(cluster.port)]),
      { path: "/bin/sh" },
    );
    await worker.waitFor(/joined the server/);
    const client = await cluster.connect();
    // Programs with files of their own, and many data files at a time.
    const parts = Array.from({ length: 80 }, (_, i) =>
      tasks.run(["sh", "-c", `head -c 1500000 /dev/zero; echo ${i} >&2`]),
    );
    const outcome = await client
      .submit(tasks.length(tasks.array(parts)))
      .wait()
      .then(
        () => "done",
        (error: Error) => error.message,
      );
    expect(outcome).toMatch(/^done$|EMFILE|too many open files/);
    expect(worker.child.exitCode).toBeNull();
    expect((await client.submit(tasks.run("echo on")).gather()).toString()).toBe("on\n");
  }, 120_000);
});

test("a wall clock that jumps by a day changes nothing", async () => {
  const preload = pathToFileURL(join(import.meta.dirname, "../jumping-clock.mjs")).href;
  const env = { NODE_OPTIONS: `--import=${preload}` };
  await using server = start("loom-server", ["--port", "0", "--exit-with-stdin"], { env });
  const [, port = ""] = await server.waitFor(/server listens .*port=(\d+)/);
  await using worker = start(
    "loom-worker",
    ["--exit-with-stdin", "--cpus", "2", "127.0.0.1", port],
    {
      env,
    },
  );
  await worker.waitFor(/joined the server/);
  await using client = await Client.connect(`127.0.0.1:${port}`);
  const parts = Array.from({ length: 20 }, (_, i) => tasks.run(`sh -c "sleep 0.2; echo ${i}"`));
  const merged = await client.submit(tasks.merge(parts)).gather();
  expect(merged.toString().split("\n")).toHaveLength(21);
  // Nobody was taken for silent, and no limit of time was met.
  expect((await client.stats()).workers).toBe(1);
  const long = tasks.run("sleep 60", { timeLimitMs: 300 });
  await expect(client.submit(long).wait()).rejects.toThrow(/time limit|took longer|timed out/i);
  expect(server.stdout()).not.toMatch(/worker lost|silent/);
}, 60_000);

const connectedOrClosed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (!socket.connecting) resolve();
    socket.once("connect", () => resolve());
    socket.once("close", () => resolve());
  });

/** The server needs a moment to see that the others are gone. */
async function connectAgain(port: string): Promise<Client> {
  return await vi.waitFor(() => Client.connect(`127.0.0.1:${port}`), {
    timeout: 20_000,
    interval: 50,
  });
}
