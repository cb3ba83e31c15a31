import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  asJson,
  asLines,
  asText,
  type Client,
  readCount,
  type Task,
  tasks,
} from "../../../src/client/index.ts";
import { memoryBytes, startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import * as steps from "../modules/steps.ts";

const { add, train, best, shout, countLines, reverse, pieces, echo, days } = tasks.module(
  steps,
  new URL("../modules/steps.ts", import.meta.url),
);

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ workers: 2, cpus: 2 });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const run = <T>(task: Task<T>): Promise<T> => client.submit(task).gather();

test("values and tasks are arguments side by side", async () => {
  expect(await run(add(1, add(2, add(3, 4))))).toBe(10);
  const three = client.submit(add(1, 2));
  expect(await run(add(three, add(three, 4)))).toBe(10);
  expect(three.finished).toBe(true);
});

test("tasks may be anywhere in lists and objects", async () => {
  const table = tasks.const("a table");
  expect(await run(best([1, 3, 2].map((fold) => train(table, fold))))).toEqual({
    name: "fold 3",
    weights: [7, 3],
  });
  const mine = { name: "mine", weights: [0, add(4, 5)] };
  expect(await run(best([train(table, 1), mine, train(Buffer.from("x"), 2)]))).toEqual({
    name: "mine",
    weights: [0, 9],
  });
  expect(await run(best(tasks.array([train(table, 5), train(table, 4)])))).toMatchObject({
    name: "fold 5",
  });
});

test("raw data is read as bytes, text, lines and JSON", async () => {
  const raw = tasks.const("ü,b\nc\r\nd\n");
  expect((await run(shout(asText(raw)))).toString()).toBe("Ü,B\nC\r\nD\n");
  expect(await run(countLines(asLines(raw)))).toBe(3);
  expect(await run(echo(asLines(raw)))).toEqual(["ü,b", "c", "d"]);
  expect(await run(countLines(asJson(tasks.const('["x"]')), 0))).toBe(1);
  expect(await run(reverse(raw))).toEqual(Buffer.from("ü,b\nc\r\nd\n").reverse());
});

test("bytes and lists of bytes are raw data and arrays, to all other tasks", async () => {
  const cut = pieces(Buffer.from("abcdefgh"), 3);
  expect(await run(cut)).toEqual(["abc", "def", "gh"].map((text) => Buffer.from(text)));
  const middle = tasks.get(cut, 1);
  const merged = tasks.merge([middle, tasks.run("tr a-z A-Z", { stdin: shout("x") }), middle]);
  expect((await run(merged)).toString()).toBe("defXdef");
  expect(await run(pieces(Buffer.alloc(0), 0))).toEqual([]);
  const mapped = reverse(tasks.dget(cut));
  expect((await run(tasks.merge([tasks.get(tasks.array([mapped]), 0)]))).length).toBeGreaterThan(0);
});

test("an index is a list of its items", async () => {
  const lines = tasks.split(tasks.const("one\ntwo\n"));
  const echoBuffers = echo as unknown as (value: typeof lines) => Task<Buffer[]>;
  expect((await run(echoBuffers(lines))).map(String)).toEqual(["one\n", "two\n"]);
});

describe("a value arrives as it was returned", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  test.each<[string, unknown]>([
    ["null", null],
    ["a number", -1.5e300],
    ["NaN", Number.NaN],
    ["negative zero", -0],
    ["an object", { a: [1, { b: "ü" }], c: null }],
    ["undefined", undefined],
    ["undefined as a property", { a: undefined }],
    ["a bigint", 2n ** 70n],
    ["a date", new Date(0)],
    ["a map", new Map([["a", new Set([1])]])],
    ["an error", new RangeError("no")],
    ["numbers in an array of their own", new Float64Array([1, 2])],
    ["bytes within an object", { bytes }],
    ["a list of texts", ["a", "b"]],
    ["a large list", Array.from({ length: 5000 }, (_, i) => i)],
    ["a large map", new Map(Array.from({ length: 5000 }, (_, i) => [i, `${i}`]))],
    ["a list with bytes and others", [bytes, 1]],
  ])("%s", async (_, value) => {
    expect(await run(echo(value))).toEqual(value);
  });

  test("text and bytes as a Buffer", async () => {
    expect(await run(echo("text"))).toEqual(Buffer.from("text"));
    expect(await run(echo(bytes))).toEqual(Buffer.from(bytes));
    expect(await run(echo([bytes, [bytes]]))).toEqual([Buffer.from(bytes), [Buffer.from(bytes)]]);
  });

  test("what JSON has no words for goes from function to function", async () => {
    const dates = new Map([["a", new Date(Date.UTC(2026, 0, 17))]]);
    expect(await run(days(echo(dates) as Task<typeof dates>))).toEqual(new Map([["a", 17]]));
  });
});

test("large data goes through files, and never through the worker's memory", async () => {
  await using own = await startCluster({ workers: 1, cpus: 2 });
  const other = await own.connect();
  const [worker] = own.workers;
  await other.submit(add(1, 1)).gather();
  const sizeBytes = 128 * 1024 * 1024;
  const before = await memoryBytes(worker?.pid ?? 0, "VmRSS");
  const zeros = tasks.run(["head", "-c", `${sizeBytes}`, "/dev/zero"]);
  const turned = reverse(tasks.merge([tasks.const("a"), zeros, tasks.const("b")]));
  const [data, size] = other.submit([turned, tasks.size(turned)]);
  expect(readCount(await size.gather())).toBe(sizeBytes + 2);
  const after = await memoryBytes(worker?.pid ?? 0, "VmHWM");
  expect(after - before).toBeLessThan(48 * 1024 * 1024);
  const fetched = await data.gather();
  expect([fetched[0], fetched.at(-1), fetched.length]).toEqual([98, 97, sizeBytes + 2]);
});

test("many calls, in few round trips", async () => {
  const calls = Array.from({ length: 5000 }, (_, i) => add(i, 1));
  const values = await client.gather(client.submit(calls));
  expect(values).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
});

test("the code is one object of the server, also after many submits", async () => {
  const other = await cluster.connect();
  for (let i = 0; i < 3; i++) await other.submit(add(i, 1)).gather();
  expect(other.progress).toMatchObject({ tasksSubmitted: 3, resultsSubmitted: 3 });
  await client.close();
  await expect.poll(async () => (await other.stats()).dataObjects).toBe(1);
  await other.close();
});
