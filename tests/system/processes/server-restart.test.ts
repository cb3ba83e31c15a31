import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { type Program, start } from "../../cli/processes/programs.ts";
import { startCluster, type TestCluster } from "./cluster.ts";

let journal = "";
beforeEach(async () => {
  journal = join(await mkdtemp(join(tmpdir(), "hyperloom-journal-")), "journal");
});
afterEach(() => rm(join(journal, ".."), { recursive: true, force: true }));

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, "utf8")).trim().split("\n");

const withJournal = (workers = 2): Promise<TestCluster> =>
  startCluster({
    workers,
    serverArgs: ["--journal", journal],
    workerArgs: ["--reattach-for", "120"],
  });

/** Ends the server as an end of power would, and starts the next one at its address. */
async function restart(cluster: TestCluster): Promise<Program> {
  process.kill(cluster.serverPid, "SIGKILL");
  await cluster.server.ended;
  const args = ["--port", String(cluster.port), "--journal", journal, "--exit-with-stdin"];
  const next = start("loom-server", args);
  await next.waitFor(/server listens/);
  return next;
}

describe("a server that is killed, and started again with its journal", () => {
  test("goes on with programs: finished, running and waiting ones are each executed once", async () => {
    await using cluster = await withJournal();
    const client = await cluster.connect();
    const runs = join(cluster.scratch, "runs");
    const go = join(cluster.scratch, "go");
    const counted = (name: string, then: string) =>
      tasks.run(["sh", "-c", `echo ${name} >> ${runs}; ${then}`]);
    const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`;
    const early = client.submit(counted("early", "echo early"));
    expect((await early.fetch()).toString()).toBe("early\n");
    const running = Array.from({ length: 4 }, (_, i) =>
      counted(`running${i}`, `${wait}; echo running${i}`),
    );
    const waiting = Array.from({ length: 4 }, (_, i) => counted(`waiting${i}`, `echo waiting${i}`));
    const sum = tasks.merge([...running, ...waiting]);
    const futures = client.submit([sum, ...running]);
    const isUnderWay = async (): Promise<void> =>
      expect((await linesOf(runs)).length).toBeGreaterThan(4);
    await vi.waitFor(isUnderWay, { timeout: 60_000 });
    await using next = await restart(cluster);
    await next.waitFor(/client is back/);
    await next.waitFor(/worker is back[\s\S]*worker is back/);
    await writeFile(go, "");
    const [merged] = await Promise.all(futures.map((future) => future.fetch()));
    expect(String(merged)).toBe(
      [0, 1, 2, 3].map((i) => `running${i}\n`).join("") +
        [0, 1, 2, 3].map((i) => `waiting${i}\n`).join(""),
    );
    expect((await early.fetch()).toString()).toBe("early\n");
    const names = await linesOf(runs);
    expect(names).toHaveLength(new Set(names).size);
    expect(names).toHaveLength(9);
    await client.close();
  }, 120_000);

  test("takes the rest of a plan of which it knows some chunks", async () => {
    await using cluster = await withJournal();
    const client = await cluster.connect();
    const count = 100_000;
    const one = tasks.const("1");
    const two = tasks.const("2");
    const parts = Array.from({ length: count }, (_, i) => tasks.merge([i % 2 === 0 ? one : two]));
    const sum = client.submit(tasks.merge(parts));
    await using next = await restart(cluster);
    await next.waitFor(/client is back/);
    expect((await sum.fetch()).toString()).toBe("12".repeat(count / 2));
    await client.close();
  }, 120_000);
});
