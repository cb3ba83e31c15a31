import { describe, expect, test } from "vitest";
import { decodeUtf8Lossy } from "../../../src/core/base/utf8.ts";
import { FLAG_CARRY, FLAG_RESULT } from "../../../src/core/model/batches.ts";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import { createFakeCluster, type FakeCluster, textsOf } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const OLD = 1;
const OURS = 2;

function clusterOf(options: { heldBytesMax?: number; givenBytesMax?: number } = {}): FakeCluster {
  const cluster = createFakeCluster({
    options: { heldBytesMax: 1_000_000, givenBytesMax: 1_000_000, ...options },
  });
  cluster.step({ kind: "client-joined", clientId: OURS, takesCarried: true });
  cluster.join(1);
  return cluster;
}

const result = (checkpoint = ""): TestTask => ({ type: "const", result: true, checkpoint });

const submit = (cluster: FakeCluster, clientId: number, tasks: readonly TestTask[], idBase = 0) =>
  cluster.step({
    kind: "plan-submitted",
    clientId,
    plan: planOfTasks(tasks, idBase),
    loadable: undefined,
  });

const flagsOf = (commands: readonly SchedulerCommand[]): number[] =>
  commands.flatMap((command) => (command.kind === "assign" ? [...command.batch.flags] : []));

const told = (commands: readonly SchedulerCommand[]): unknown[] =>
  commands.flatMap((command) =>
    command.kind === "notify-finished"
      ? [[[...command.clientTasks], textsOf(command.clientTasks, command.carried)]]
      : [],
  );

const fetched = (cluster: FakeCluster, clientId: number, clientTask: number): unknown[] =>
  cluster.step({ kind: "result-requested", clientId, clientTask }).map((command) => {
    if (command.kind !== "deliver-held") return command.kind;
    return decodeUtf8Lossy(command.bytes.subarray(8));
  });

const release = (cluster: FakeCluster, clientId: number, ...ids: number[]) =>
  cluster.step({ kind: "results-released", clientId, clientTasks: Int32Array.from(ids) });

describe("a small result", () => {
  test("is told to ride along where it is a result, and only then", () => {
    const cluster = clusterOf();
    const commands = submit(cluster, OURS, [
      { type: "const" },
      { inputs: [0], result: true },
      result(),
    ]);
    const flags = [...flagsOf(commands), ...flagsOf(cluster.finish(1, 2))];
    expect(flags.sort()).toEqual([0, FLAG_RESULT | FLAG_CARRY, FLAG_RESULT | FLAG_CARRY]);
  });

  test("does not ride where the shell has no memory for it", () => {
    const cluster = clusterOf({ heldBytesMax: 0 });
    expect(flagsOf(submit(cluster, OURS, [result()]))).toEqual([FLAG_RESULT]);
  });

  test("comes with the notification to a client that takes it, and is not kept", () => {
    const cluster = clusterOf();
    submit(cluster, OURS, [result(), result()], 10);
    expect(told(cluster.finishWith(1, ["a", "b"]))).toEqual([[[10, 11], { 10: "a", 11: "b" }]]);
    expect(cluster.state.held.totalBytes).toBe(0);
    expect(fetched(cluster, OURS, 10)).toEqual(["deliver"]);
  });

  test("is kept for a client that fetches, and a fetch answered without its worker", () => {
    const cluster = clusterOf();
    submit(cluster, OLD, [result(), result()]);
    expect(told(cluster.finishWith(1, ["a", "b"]))).toEqual([[[0, 1], {}]]);
    expect(fetched(cluster, OLD, 1)).toEqual(["b"]);
    expect(fetched(cluster, OLD, 1)).toEqual(["b"]);
    release(cluster, OLD, 1);
    expect(fetched(cluster, OLD, 1)).toEqual(["refuse"]);
    release(cluster, OLD, 0);
    expect(cluster.state.held.totalBytes).toBe(0);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("can be fetched though its worker is lost, while it is computed again", () => {
    const cluster = clusterOf();
    submit(cluster, OLD, [result()]);
    cluster.finishWith(1, ["a"]);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    expect(fetched(cluster, OLD, 0)).toEqual(["a"]);
    cluster.join(2);
    expect(told(cluster.finish(2))).toEqual([]);
    expect(fetched(cluster, OLD, 0)).toEqual(["a"]);
  });

  test("waits for its checkpoint like any other", () => {
    for (const clientId of [OLD, OURS]) {
      const cluster = clusterOf();
      const assigned = submit(cluster, clientId, [result("/c")]);
      const given = assigned.find((command) => command.kind === "assign");
      expect(told(cluster.finishWith(1, ["a"]))).toEqual([]);
      expect(fetched(cluster, clientId, 0)).toEqual(["refuse"]);
      if (given?.kind !== "assign") throw new Error("nothing was assigned");
      const { tasks, attempts } = given.batch;
      const refs = { tasks, attempts };
      const written = cluster.step({ kind: "checkpoints-written", workerId: 1, refs });
      expect(told(written)).toEqual([[[0], clientId === OURS ? { 0: "a" } : {}]]);
      expect(fetched(cluster, clientId, 0)).toEqual(clientId === OURS ? ["deliver"] : ["a"]);
      release(cluster, clientId, 0);
      expect(cluster.state.held.totalBytes).toBe(0);
    }
  });

  test("that was released while it was computed is nobody's", () => {
    const cluster = clusterOf();
    submit(cluster, OLD, [result(), { inputs: [0], result: true }]);
    release(cluster, OLD, 0);
    expect(told(cluster.finishWith(1, ["a"]))).toEqual([]);
    expect(cluster.state.held.totalBytes).toBe(0);
  });

  test("goes with its client", () => {
    const cluster = clusterOf();
    submit(cluster, OLD, [result()]);
    submit(cluster, OURS, [result()]);
    cluster.finishWith(1, ["a", "b"]);
    cluster.step({ kind: "client-left", clientId: OLD });
    cluster.step({ kind: "client-left", clientId: OURS });
    expect(cluster.state.held).toEqual({ byRow: new Map(), totalBytes: 0 });
    expect(cluster.state.tasks.liveCount).toBe(0);
  });
});

describe("what is held", () => {
  test("is bounded over all clients: the oldest goes first, and can be pulled", () => {
    const cluster = clusterOf({ heldBytesMax: 250 });
    submit(cluster, OLD, [result(), result()]);
    submit(cluster, 3, [result(), result()]);
    cluster.finishWith(1, ["first", "second", "third", "fourth"]);
    expect(cluster.state.held.totalBytes).toBeLessThanOrEqual(250);
    expect(fetched(cluster, OLD, 0)).toEqual(["deliver"]);
    expect(fetched(cluster, OLD, 1)).toEqual(["second"]);
    expect(fetched(cluster, 3, 1)).toEqual(["fourth"]);
  });

  test("is bounded for a client that is given results: what it releases makes room", () => {
    const cluster = clusterOf({ givenBytesMax: 100 });
    submit(cluster, OURS, [result()]);
    cluster.finishWith(1, ["a"]);
    expect(flagsOf(submit(cluster, OURS, [result()], 1))).toEqual([FLAG_RESULT]);
    release(cluster, OURS, 0);
    expect(flagsOf(submit(cluster, OURS, [result()], 2))).toEqual([FLAG_RESULT | FLAG_CARRY]);
  });

  test("counts to nothing when all is released", () => {
    const cluster = clusterOf();
    submit(cluster, OURS, [result(), result(), result()]);
    cluster.finishWith(1, ["a", "b", "c"]);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.join(2);
    cluster.finish(2, 3);
    release(cluster, OURS, 0, 1, 2, 7);
    expect(cluster.state.clients.get(OURS)?.givenBytes).toBe(0);
    expect(cluster.commands.at(-1)).toMatchObject({ kind: "refuse", message: "Invalid id: 7" });
  });
});
