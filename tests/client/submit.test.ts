import { expect, test } from "vitest";
import { Client, type Task, tasks } from "../../src/client/index.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { BUILTIN_SYMBOLS, TASK_TYPE } from "../../src/core/model/symbols.ts";
import { decodeRunConfig } from "../../src/protocol/client/run-config.ts";
import {
  type FakeServer,
  finishEverything,
  startFakeServer,
  until,
} from "./support/fake-server.ts";

async function receivedPlans(server: FakeServer, count: number): Promise<Plan[]> {
  const plans = (): Plan[] =>
    server.requests.flatMap((request) => (request.kind === "plan" ? [request.plan] : []));
  await until(() => plans().length >= count);
  return plans();
}

const bytesOf = (plan: Plan, ranges: Plan["labels"], row: number): string => {
  const start = ranges?.starts[row] ?? 0;
  return Buffer.from(plan.bytes.subarray(start, start + (ranges?.lengths[row] ?? 0))).toString();
};

const inputsOf = (plan: Plan, row: number): number[] => [
  ...plan.inputIds.subarray(plan.inputStarts[row], plan.inputStarts[row + 1]),
];

test("sends a plan whose tasks come after their inputs, each once", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  const a = tasks.const("a");
  const both = tasks.merge([a, a, tasks.const("b")], { delimiter: "-" });
  const future = client.submit(both);
  const [plan] = await receivedPlans(server, 1);
  if (plan === undefined) throw new Error("no plan");
  expect([...plan.taskTypes]).toEqual([TASK_TYPE.const, TASK_TYPE.const, TASK_TYPE.merge]);
  expect(inputsOf(plan, 2)).toEqual([0, 0, 1]);
  expect([...plan.isResult]).toEqual([0, 0, 1]);
  expect(bytesOf(plan, plan.configs, 0)).toBe("a");
  expect(bytesOf(plan, plan.configs, 2)).toBe("-");
  expect(future).toMatchObject({ id: 2, state: "pending" });
});

test("a task is one task in one submit and another in the next", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  const task = tasks.const("x");
  const [first, second] = client.submit([task, task]);
  expect(second).toBe(first);
  const later = client.submit(task);
  expect(later.id).toBe(1);
  const plans = await receivedPlans(server, 2);
  expect(plans.map(({ taskCount }) => taskCount)).toEqual([1, 1]);
  expect(plans[1]?.idBase).toBe(1);
});

test("returns the futures of nested results in the order of the tasks", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  const leaf = tasks.const("x", { label: "leaf" });
  const root = tasks.merge([leaf], { label: "root" });
  const futures = client.submit([root, leaf]);
  expect(futures.map(({ id, label }) => [id, label])).toEqual([
    [1, "root"],
    [0, "leaf"],
  ]);
  expect(client.submit([])).toEqual([]);
  expect(client.progress).toMatchObject({ tasksSubmitted: 2, resultsSubmitted: 2 });
});

test("futures of earlier submits are inputs of later tasks", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  const [a, b] = client.submit([tasks.const("a"), tasks.const("b")]);
  client.submit(tasks.merge([b, tasks.const("c"), a]));
  const plans = await receivedPlans(server, 2);
  expect(plans[1]).toMatchObject({ idBase: 2, taskCount: 2 });
  expect(inputsOf(plans[1] as Plan, 1)).toEqual([1, 2, 0]);
});

test("labels, metadata, checkpoints and resources travel with the task", async () => {
  const symbols = [...BUILTIN_SYMBOLS, "loom/resource/gpus"];
  await using server = await startFakeServer({ symbols });
  await using client = await Client.connect(server.address);
  const options = { label: "group: one", metadata: "meta", checkpoint: "/tmp/x.bin" };
  client.submit(
    [
      tasks.const("x", options),
      tasks.run("true"),
      tasks.run("true", { resources: { gpus: 2 } }),
      tasks.run("true", { resources: { cpus: 0 } }),
      tasks.const("y", { resources: { cpus: 1 } }),
      tasks.save(tasks.const("z"), "/tmp/z"),
    ],
    { loadCheckpoints: true },
  );
  const [plan] = await receivedPlans(server, 1);
  if (plan === undefined) throw new Error("no plan");
  expect(server.requests[0]).toMatchObject({ loadCheckpoints: true });
  expect(bytesOf(plan, plan.labels, 0)).toBe("group: one");
  expect(bytesOf(plan, plan.metadata, 0)).toBe("meta");
  expect(bytesOf(plan, plan.checkpointPaths, 0)).toBe("/tmp/x.bin");
  const requestOf = (row: number) => plan.requests[plan.requestIndexes[row] ?? -1];
  expect(requestOf(0)).toBeUndefined();
  expect(requestOf(1)).toEqual([{ resource: 6, amount: 1 }]);
  expect(requestOf(2)).toEqual([
    { resource: 6, amount: 1 },
    { resource: BUILTIN_SYMBOLS.length, amount: 2 },
  ]);
  expect(requestOf(3)).toBeUndefined();
  expect(plan.requestIndexes[4]).toBe(plan.requestIndexes[1]);
  expect(plan.requestIndexes[5]).toBe(-1);
  expect(plan.requestIndexes[6]).toBe(plan.requestIndexes[1]);
});

test("speaks in the symbols of the server, in whatever order they are", async () => {
  const symbols = [...BUILTIN_SYMBOLS].reverse();
  const { requests, task } = await submitRaw(symbols);
  expect(task(requests)).toBe(symbols.indexOf("loom/data/const"));
});

/** The fake server decodes by our own numbers, so the foreign ones are read from the bytes. */
async function submitRaw(symbols: readonly string[]) {
  const chunks: Buffer[] = [];
  await using server = await startFakeServer({
    symbols,
    onRegister: (peer) => {
      peer.socket.removeAllListeners("data");
      peer.socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      peer.send({ kind: "dictionary", symbols });
    },
  });
  await using client = await Client.connect(server.address);
  client.submit(tasks.const("x"));
  await until(() => Buffer.concat(chunks).includes("x"));
  return {
    requests: Buffer.concat(chunks),
    // 12 (task) size 08 (task_type) id 12 (config) 01 "x"
    task: (bytes: Buffer) => bytes[bytes.indexOf(Buffer.from("120178", "hex")) - 1],
  };
}

test("names task types and resources that the server does not know", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  client.submit(
    tasks.custom("my/count", { inputs: [tasks.const("x")], config: "c", resources: { fpgas: 1 } }),
  );
  const [plan] = await receivedPlans(server, 1);
  expect(plan?.taskTypes[1]).toBeGreaterThanOrEqual(1000);
  expect(plan?.requests[0]?.[0]?.resource).toBeGreaterThanOrEqual(1000);
});

test("writes what a program needs into its config", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  const input = tasks.const("in");
  client.submit(
    tasks.run(["prog", "$name", input, new Uint8Array([0xff]), "$input-1"], {
      stdin: input,
      inputs: { "dir/file": input },
      variables: { name: tasks.const("value") },
      outputs: [tasks.stdout, "log.txt"],
      env: { LANG: "C" },
      paths: ["/opt/bin"],
      timeLimitMs: 1500.5,
    }),
  );
  const [plan] = await receivedPlans(server, 1);
  if (plan === undefined) throw new Error("no plan");
  const run = plan.taskCount - 1;
  const start = plan.configs.starts[run] ?? 0;
  const config = decodeRunConfig(
    plan.bytes.subarray(start, start + (plan.configs.lengths[run] ?? 0)),
  );
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  expect(config.args.map(text)).toEqual(["prog", "$name", "$input-2", "\xff", "$input-1"]);
  expect(config.mapInputs.map(text)).toEqual(["+in", "dir/file", "$name", "$input-2"]);
  expect(inputsOf(plan, run)).toEqual([0, 0, 1, 0]);
  expect(config.mapOutputs.map(text)).toEqual(["+out", "log.txt"]);
  expect(config.env.map(({ name, value }) => [text(name), text(value)])).toEqual([["LANG", "C"]]);
  expect(config.paths.map(text)).toEqual(["/opt/bin"]);
  expect(config.timeLimitMs).toBe(1501);
});

test.each<[string, () => Task]>([
  ["an empty command", () => tasks.run([])],
  ["an unclosed quotation", () => tasks.run("echo 'a")],
  ["a relative checkpoint", () => tasks.const("", { checkpoint: "a" })],
  ["a relative path to save to", () => tasks.save(tasks.const(""), "a")],
  ["a negative index", () => tasks.get(tasks.array([tasks.const("")]), Number("-1"))],
  ["a negative amount", () => tasks.const("", { resources: { cpus: -1 } })],
  ["a fraction of a cpu", () => tasks.const("", { resources: { cpus: 0.5 } })],
  ["a name of ours for a custom type", () => tasks.custom("loom/x/y")],
  ["a name without a prefix", () => tasks.custom("count")],
  ["a file named as a variable", () => tasks.run("a", { inputs: { $x: tasks.const("") } })],
  ["a time limit of 0", () => tasks.run("a", { timeLimitMs: 0 })],
  ["an empty delimiter", () => tasks.split(tasks.const(""), { delimiter: "" })],
  ["something else than a task", () => tasks.merge(["text" as unknown as Task<Buffer>])],
])("refuses %s where it is described", (_, describe) => {
  expect(describe).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});

test("refuses futures that are released or of another client", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address);
  await using other = await Client.connect(server.address);
  const future = client.submit(tasks.const("x"));
  expect(() => other.submit(tasks.merge([future]))).toThrow(
    expect.objectContaining({ code: "future-of-another-client" }),
  );
  future.release();
  expect(() => client.submit(tasks.merge([future]))).toThrow(
    expect.objectContaining({ code: "future-released" }),
  );
});

test("a chain of a million tasks is one plan", { timeout: 60_000 }, async () => {
  await using server = await startFakeServer({ onRequest: finishEverything() });
  await using client = await Client.connect(server.address);
  let task = tasks.const("x");
  for (let i = 1; i < 1_000_000; i++) task = tasks.merge([task]);
  const future = client.submit(task);
  await future.wait();
  expect(future.id).toBe(999_999);
});
