import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Client,
  LocalCluster,
  PlanFailedError,
  readCount,
  TaskFailedError,
  tasks,
} from "../../../src/client/index.ts";

let cluster: LocalCluster;
let client: Client;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hyperloom-tasks-"));
  cluster = await LocalCluster.start({ workers: 2, cpus: 2, workDirectory: directory });
  client = await Client.connect(cluster.address);
}, 30_000);

afterAll(async () => {
  await client.close();
  await cluster.close();
  await rm(directory, { recursive: true });
});

test("every builder's task makes what its type says", async () => {
  const path = join(directory, "input.txt");
  await writeFile(path, "one\ntwo\nthree\n");
  const opened = tasks.open(path);
  const lines = tasks.split(opened);
  const array = tasks.array([opened, lines, tasks.const("x")]);
  const saved = join(directory, "saved.txt");
  const futures = client.submit([
    tasks.merge([tasks.const("a"), opened], { delimiter: ", " }),
    lines,
    array,
    tasks.get(array, 2),
    tasks.get(lines, 1),
    tasks.slice(lines, 1, Number.POSITIVE_INFINITY),
    tasks.slice(array, 2, 3),
    tasks.size([opened, tasks.const("12")]),
    tasks.length([lines, array]),
    tasks.save(opened, saved),
    tasks.run("sort", { stdin: opened }),
    tasks.run(["sh", "-c", "cat in.txt; echo more > extra; echo $0 $X", tasks.const("arg")], {
      inputs: { "in.txt": tasks.get(lines, 0) },
      outputs: [tasks.stdout, "extra"],
      env: { X: "env" },
    }),
    tasks.run(["test", "$name", "=", "value"], {
      variables: { name: tasks.const("value") },
      outputs: [],
    }),
  ]);
  const values = await client.gather(futures);
  const input = "one\ntwo\nthree\n";
  const items = ["one\n", "two\n", "three\n"];
  expect(values[0].toString()).toBe(`a, ${input}`);
  expect(values[1].map(String)).toEqual(items);
  expect([values[2][0].toString(), values[2][1].map(String), values[2][2].toString()]).toEqual([
    input,
    items,
    "x",
  ]);
  expect(values[3].toString()).toBe("x");
  expect(values[4].toString()).toBe("two\n");
  expect(values[5].toString()).toBe("two\nthree\n");
  expect(values[6].map(String)).toEqual(["x"]);
  expect(readCount(values[7])).toBe(input.length + 2);
  expect(readCount(values[8])).toBe(6);
  expect(values[9]).toHaveLength(0);
  expect(await readFile(saved, "utf8")).toBe(input);
  expect(values[10].toString()).toBe("one\nthree\ntwo\n");
  expect(values[11].map(String)).toEqual(["one\narg env\n", "more\n"]);
  expect(values[12]).toEqual([]);
});

test("dget and dslice stand for as many tasks as there are items", async () => {
  const lines = tasks.split(tasks.const("b 1\na 2\nc 3\n"));
  const each = tasks.run("cut -c1", { stdin: tasks.dget(lines) });
  const parts = tasks.run("cut -c3", { stdin: tasks.dslice(lines) });
  const [letters, digits] = await client.gather(
    client.submit([tasks.merge([each]), tasks.merge([parts])]),
  );
  expect(letters.toString()).toBe("b\na\nc\n");
  expect(digits.toString()).toBe("1\n2\n3\n");
});

test("a program's failure arrives with its whole story", async () => {
  const bad = tasks.run(["sh", "-c", "echo oops >&2; exit 7"], { label: "bad: 1" });
  const slow = tasks.run("sleep 60");
  const [culprit, given] = client.submit([bad, slow]);
  const error = await culprit.gather().catch((reason) => reason);
  expect(error).toBeInstanceOf(TaskFailedError);
  expect(error).toMatchObject({
    taskId: culprit.id,
    label: "bad: 1",
    worker: expect.stringMatching(/:\d+$/),
    exitCode: 7,
    stderr: "oops\n",
    attempts: expect.any(Number),
    message: expect.stringContaining("Program terminated with status 7"),
  });
  await expect(given.wait()).rejects.toBeInstanceOf(PlanFailedError);
  expect(given.error?.cause).toBe(error);
  const later = client.submit(tasks.merge([tasks.const("fine")]));
  expect((await later.gather()).toString()).toBe("fine");
});

test("a plan that dslice makes impossible is refused", async () => {
  const future = client.submit(tasks.dslice(tasks.split(tasks.const("a\n"))));
  await expect(future.wait()).rejects.toMatchObject({ code: "plan-refused" });
});

test("a large result comes as a Buffer, into a file and as a stream", async () => {
  const sizeBytes = 40_000_000;
  const made = tasks.run(["sh", "-c", `yes hyperloom | head -c ${sizeBytes}`]);
  const future = client.submit(made);
  const digest = createHash("sha256")
    .update(await future.fetch())
    .digest("hex");
  const path = join(directory, "large");
  await future.fetch({ to: path });
  const fromFile = createHash("sha256");
  for await (const chunk of createReadStream(path)) fromFile.update(chunk);
  expect(fromFile.digest("hex")).toBe(digest);
  const fromStream = createHash("sha256");
  for await (const chunk of future.stream()) fromStream.update(chunk as Buffer);
  expect(fromStream.digest("hex")).toBe(digest);
  future.release();
});

test("checkpoints are written, and loaded by the next submit", async () => {
  const checkpoints = join(directory, "checkpoints");
  await mkdir(checkpoints);
  const runs = join(checkpoints, "runs");
  const make = () =>
    tasks.run(["sh", "-c", `echo run >> ${runs}; echo made`], {
      checkpoint: join(checkpoints, "made"),
    });
  expect((await client.submit(make()).gather()).toString()).toBe("made\n");
  expect(await readFile(join(checkpoints, "made"), "utf8")).toBe("made\n");
  const loaded = client.submit(make(), { loadCheckpoints: true });
  expect((await loaded.gather()).toString()).toBe("made\n");
  expect(await readFile(runs, "utf8")).toBe("run\n");
});

test("the server keeps nothing that was gathered or released", async () => {
  const futures = client.submit([tasks.const("a"), tasks.run("sleep 60")]);
  await futures[0].wait();
  client.release(futures);
  let { dataObjects } = await client.stats();
  while (dataObjects > 0) ({ dataObjects } = await client.stats());
  expect(dataObjects).toBe(0);
});
