import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Future, type Task, tasks } from "../../../src/client/index.ts";
import { startCluster, untilNothingIsLeft } from "./cluster.ts";

/** Sums numbers, one a line, by a program. */
const sum = (numbers: readonly Task<Buffer>[]): Task<Buffer> =>
  tasks.run(["awk", "{ s += $1 } END { print s }"], {
    stdin: tasks.merge(numbers, { delimiter: "\n" }),
  });

describe.each([1, 2, 4])("with %d workers", (workers) => {
  test("a plan of programs and built-ins gives the right result, and leaves nothing", async () => {
    await using cluster = await startCluster({ workers });
    const client = await cluster.connect();
    const numbers = Array.from({ length: 64 }, (_, i) => tasks.const(String(i)));
    const sums = Array.from({ length: 8 }, (_, i) => sum(numbers.slice(i * 8, i * 8 + 8)));
    const total = client.submit(sum(sums));
    expect((await total.gather()).toString()).toBe("2016\n");
    await untilNothingIsLeft(cluster, client);
  });

  test("every data type arrives as what it is", async () => {
    await using cluster = await startCluster({ workers });
    const client = await cluster.connect();
    const path = join(cluster.scratch, "lines.txt");
    await writeFile(path, "a\nbb\nccc");
    const opened = tasks.open(path);
    const lines = tasks.split(opened);
    const saved = join(cluster.scratch, "saved.txt");
    const futures = client.submit([
      opened,
      lines,
      tasks.get(lines, 2),
      tasks.slice(lines, 0, 2),
      tasks.array([tasks.const("x"), tasks.array([tasks.get(lines, 0)])]),
      tasks.save(tasks.merge([tasks.const("1"), tasks.const("2")]), saved),
      tasks.run(["sh", "-c", "echo out; echo $1 > file", "-", "text"], {
        outputs: ["+out", "file"],
      }),
    ]);
    const values = await client.gather(futures);
    const plain = (value: unknown): unknown =>
      Buffer.isBuffer(value) ? value.toString() : Array.isArray(value) ? value.map(plain) : value;
    expect(values.map(plain)).toEqual([
      "a\nbb\nccc",
      ["a\n", "bb\n", "ccc"],
      "ccc",
      "a\nbb\n",
      ["x", ["a\n"]],
      "",
      ["out\n", "text\n"],
    ]);
    expect(await readFile(saved, "utf8")).toBe("12");
    await untilNothingIsLeft(cluster, client);
  });
});

test("several clients with the same ids do not meet", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const clients = await Promise.all(Array.from({ length: 5 }, () => cluster.connect()));
  const texts = await Promise.all(
    clients.map(async (client, i) => {
      const futures = client.submit(
        Array.from({ length: 20 }, (_, k) =>
          tasks.merge([tasks.const(`${i}:`), tasks.const(`${k}`)]),
        ),
      );
      return (await client.gather(futures)).map(String);
    }),
  );
  texts.forEach((own, i) => {
    expect(own).toEqual(Array.from({ length: 20 }, (_, k) => `${i}:${k}`));
  });
});

test("dynamic tasks adapt to the data", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const client = await cluster.connect();
  const lines = tasks.split(tasks.const("3\n1\n2\n"));
  const doubled = tasks.run(["awk", "{ print 2 * $1 }"], { stdin: tasks.dget(lines) });
  const merged = client.submit(tasks.merge([doubled]));
  expect((await merged.gather()).toString()).toBe("6\n2\n4\n");
  const pieces = tasks.run(["wc", "-l"], { stdin: tasks.dslice(lines) });
  const counts = await client.submit(tasks.array([pieces])).gather();
  expect(counts.map(Number)).toEqual([1, 1, 1]);
});

test("a plan of 100,000 tasks finishes", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const client = await cluster.connect();
  const leaves = Array.from({ length: 100_000 }, (_, i) => tasks.const(String(i % 10)));
  const text = await client.submit(tasks.merge(leaves)).gather();
  expect(text.length).toBe(100_000);
  expect(text.subarray(0, 12).toString()).toBe("012345678901");
  await untilNothingIsLeft(cluster, client);
}, 60_000);

test("a chain of 100,000 tasks finishes", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const client = await cluster.connect();
  let last = tasks.const("x");
  for (let i = 0; i < 100_000; i += 1) last = tasks.merge([last]);
  expect((await client.submit(last).gather()).toString()).toBe("x");
  await untilNothingIsLeft(cluster, client);
}, 120_000);

test("results of earlier plans are inputs of later ones", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const client = await cluster.connect();
  let text: Future<Buffer> = client.submit(tasks.const("a"));
  for (let i = 0; i < 50; i += 1) {
    const next = client.submit(tasks.merge([text, tasks.const("b")]));
    text.release();
    text = next;
  }
  expect((await text.gather()).toString()).toBe(`a${"b".repeat(50)}`);
  await untilNothingIsLeft(cluster, client);
});
