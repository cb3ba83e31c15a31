import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { connectRaw, type RawClient } from "../../server/raw-client.ts";
import { startCluster, type TestCluster } from "./cluster.ts";

let cluster: TestCluster;
let old: RawClient;

beforeEach(async () => {
  cluster = await startCluster();
  old = connectRaw(cluster.port);
  old.register();
  expect((await old.next()).kind).toBe("dictionary");
});

afterEach(async () => {
  old.close();
  await cluster[Symbol.asyncDispose]();
});

/** Submits constants as an old client does, each a result, and waits for all. */
async function submitOld(values: readonly string[]): Promise<void> {
  old.plan((encoder) => {
    for (const value of values) {
      encoder.addTask(TASK_TYPE.const, new TextEncoder().encode(value), [], -1, true);
    }
  });
  const finished = new Set<number>();
  for (const _ of values) {
    const answer = await old.next();
    if (answer.kind !== "taskFinished") throw new Error(`got ${answer.kind}`);
    finished.add(answer.id);
  }
  expect(finished.size).toBe(values.length);
}

async function fetchOld(id: number): Promise<string> {
  old.request({ kind: "fetch", id });
  expect(await old.next()).toMatchObject({ kind: "data", id, frameCount: 1 });
  return new TextDecoder().decode(await old.nextFrame());
}

test("values of all sizes and kinds arrive as they are, at an old client too", async () => {
  await using client = await cluster.connect();
  const path = join(cluster.scratch, "file");
  await writeFile(path, "from a file");
  const small = tasks.const("small");
  const values = await client.gather(
    client.submit([
      small,
      tasks.const(""),
      tasks.const("y".repeat(100_000)),
      tasks.array([small, tasks.array([]), tasks.open(path)]),
      tasks.open(path),
      tasks.split(tasks.const("a\nb\n")),
      tasks.run("/bin/echo out"),
    ]),
  );
  const [text, empty, large, list, file, lines, out] = values;
  expect([text, empty, file, out].map(String)).toEqual(["small", "", "from a file", "out\n"]);
  expect(large.toString()).toBe("y".repeat(100_000));
  expect((list as unknown[]).map(String)).toEqual(["small", "", "from a file"]);
  expect((lines as unknown[]).map(String)).toEqual(["a\n", "b\n"]);

  await submitOld(["small", "", "y".repeat(100_000)]);
  expect(await fetchOld(0)).toBe("small");
  expect(await fetchOld(1)).toBe("");
  expect(await fetchOld(2)).toBe("y".repeat(100_000));
});

test("many results of two clients at once each reach their own", async () => {
  await using client = await cluster.connect();
  await using other = await cluster.connect();
  const texts = Array.from({ length: 2_000 }, (_, i) => `value ${i}`);
  const mine = client.submit(texts.map((text) => tasks.const(text)));
  const others = other.submit(texts.map((text) => tasks.const(`other ${text}`)));
  const old3 = submitOld(["one", "two", "three"]);
  expect((await client.gather(mine)).map(String)).toEqual(texts);
  expect((await other.gather(others)).map(String)).toEqual(texts.map((text) => `other ${text}`));
  await old3;
  expect(await fetchOld(1)).toBe("two");
  for (let id = 0; id < 3; id++) old.request({ kind: "release", id });
  // Each connection is asked after its own releases.
  old.request({ kind: "stats" });
  await old.next();
  await other.stats();
  expect((await client.stats()).dataObjects).toBe(0);
});

test("a small result can be fetched though all workers are gone", async () => {
  await using client = await cluster.connect();
  const [future] = client.submit([tasks.const("kept here")]);
  await future.wait();
  await submitOld(["kept there"]);
  for (const { pid } of cluster.workers) process.kill(pid, "SIGKILL");
  expect((await future.fetch()).toString()).toBe("kept here");
  expect(await fetchOld(0)).toBe("kept there");
});
