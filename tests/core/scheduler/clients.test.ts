import { describe, expect, test } from "vitest";
import {
  type HeldByClient,
  RESULT_FINISHED,
  RESULT_PENDING,
} from "../../../src/core/model/held-by-client.ts";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import { createFakeCluster, type FakeCluster, textsOf } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const CLIENT = 2;
const WORKER = 1;

function clusterOf(life: "session" | "named" = "session"): FakeCluster {
  const cluster = createFakeCluster({
    options: { heldBytesMax: 1_000_000, givenBytesMax: 1_000_000, clientGraceMs: 30_000 },
  });
  cluster.step({
    kind: "client-joined",
    clientId: CLIENT,
    takesCarried: life === "session",
    life,
  });
  cluster.join(WORKER);
  return cluster;
}

const result: TestTask = { type: "const", result: true };

const submit = (cluster: FakeCluster, tasks: readonly TestTask[], idBase = 0) =>
  cluster.step({
    kind: "plan-submitted",
    clientId: CLIENT,
    plan: planOfTasks(tasks, idBase),
    loadable: undefined,
  });

function fail(cluster: FakeCluster, message: string): SchedulerCommand[] {
  const [first] = cluster.given.get(WORKER)?.splice(0, 1) ?? [];
  if (first === undefined) throw new Error("the worker has nothing");
  const { task, attempt } = first;
  return cluster.step({
    kind: "task-failed",
    workerId: WORKER,
    task,
    attempt,
    failure: { message },
  });
}

/** `time-passed` at that time. */
function passTime(cluster: FakeCluster, atMs: number): SchedulerCommand[] {
  const event = { kind: "time-passed", atMs } as const;
  return cluster.step(event);
}

const detach = (cluster: FakeCluster) =>
  cluster.step({ kind: "client-detached", clientId: CLIENT });

type Held = {
  readonly plans?: readonly (readonly [base: number, count: number])[];
  /** Ids that rise, and the state of each. */
  readonly results?: readonly (readonly [id: number, state: number])[];
};

function heldOf({ plans = [], results = [] }: Held): HeldByClient {
  return {
    planBases: Int32Array.from(plans, ([base]) => base),
    planCounts: Int32Array.from(plans, ([, count]) => count),
    runStarts: Int32Array.from(results, ([id]) => id),
    runCounts: Int32Array.from(results, () => 1),
    runStates: Uint8Array.from(results, ([, state]) => state),
  };
}

const attach = (cluster: FakeCluster, held: Held) =>
  cluster.step({ kind: "client-attached", clientId: CLIENT, held: heldOf(held) });

const told = (commands: readonly SchedulerCommand[]): unknown[][] =>
  commands.flatMap((command): unknown[][] => {
    switch (command.kind) {
      case "notify-finished":
        return [
          ["finished", [...command.clientTasks], textsOf(command.clientTasks, command.carried)],
        ];
      case "notify-failed":
        return [["failed", command.clientTask, command.failure.message, command.isAgain === true]];
      case "notify-accepted":
        return [["accepted", command.idBase, command.taskCount]];
      case "attached":
        return [["attached", [...command.unknownPlans], command.openPlan, command.openPlanTasks]];
      case "deliver":
      case "deliver-held":
      case "refuse":
      case "end-client":
        return [[command.kind]];
      default:
        return [];
    }
  });

describe("a client that may come back", () => {
  test("is told that its plan was taken", () => {
    const cluster = clusterOf();
    expect(told(submit(cluster, [result, result], 5))).toEqual([["accepted", 5, 2]]);
  });

  test("is told what finished while it was away, with its value", () => {
    const cluster = clusterOf();
    submit(cluster, [result]);
    detach(cluster);
    expect(told(cluster.finishWith(WORKER, ["value"]))).toEqual([]);
    const again = attach(cluster, { plans: [[0, 1]], results: [[0, RESULT_PENDING]] });
    expect(told(again)).toEqual([
      ["finished", [0], { 0: "value" }],
      ["attached", [], -1, 0],
    ]);
  });

  test("is told again what it missed, and not what it knows", () => {
    const cluster = clusterOf();
    submit(cluster, [result, result]);
    cluster.finish(WORKER, 1);
    cluster.finish(WORKER, 1);
    detach(cluster);
    const again = attach(cluster, {
      plans: [[0, 2]],
      results: [
        [0, RESULT_FINISHED],
        [1, RESULT_PENDING],
      ],
    });
    expect(told(again).filter(([kind]) => kind === "finished")).toMatchObject([
      ["finished", [1], {}],
    ]);
  });

  test("may release twice what it had released before, as that may have come or not", () => {
    const cluster = clusterOf();
    const use: TestTask = { type: "merge", inputs: [0], result: true };
    submit(cluster, [result, use]);
    const release = () =>
      told(
        cluster.step({ kind: "results-released", clientId: CLIENT, clientTasks: Int32Array.of(0) }),
      );
    expect(release()).toEqual([]);
    expect(release()).toEqual([["refuse"]]);
    detach(cluster);
    attach(cluster, {
      plans: [[0, 2]],
      results: [
        [0, RESULT_FINISHED],
        [1, RESULT_PENDING],
      ],
    });
    expect(release()).toEqual([]);
    cluster.finish(WORKER, 2);
    expect(release()).toEqual([]);
  });

  test("is told of results that finish after it is back", () => {
    const cluster = clusterOf();
    submit(cluster, [result]);
    detach(cluster);
    expect(told(attach(cluster, { plans: [[0, 1]], results: [[0, RESULT_PENDING]] }))).toEqual([
      ["attached", [], -1, 0],
    ]);
    expect(told(cluster.finish(WORKER, 1))).toEqual([["finished", [0], {}]]);
  });

  test("has released what it does not have any more", () => {
    const cluster = clusterOf();
    submit(cluster, [result, result]);
    cluster.finish(WORKER, 1);
    cluster.finish(WORKER, 1);
    detach(cluster);
    const commands = attach(cluster, { results: [[1, RESULT_FINISHED]] });
    expect(commands.filter(({ kind }) => kind === "drop")).toHaveLength(1);
    expect(cluster.state.objectCount).toBe(1);
  });

  test("hears which of its plans never arrived", () => {
    const cluster = clusterOf();
    submit(cluster, [result]);
    detach(cluster);
    const again = attach(cluster, {
      plans: [
        [0, 1],
        [1, 7],
      ],
      results: [[0, RESULT_PENDING]],
    });
    expect(told(again)).toEqual([["attached", [1], -1, 0]]);
  });

  test.each([["while it was away"], ["before it went"]])("is told of a failure %s", (when) => {
    const cluster = clusterOf();
    submit(cluster, [result, result]);
    if (when === "while it was away") detach(cluster);
    fail(cluster, "no luck");
    if (when !== "while it was away") detach(cluster);
    const again = attach(cluster, {
      plans: [[0, 2]],
      results: [
        [0, RESULT_PENDING],
        [1, RESULT_PENDING],
      ],
    });
    expect(told(again)).toEqual([
      ["attached", [], -1, 0],
      ["failed", expect.any(Number), "no luck", true],
    ]);
  });

  test("goes on with a plan whose chunks it had not sent all", () => {
    const cluster = clusterOf();
    cluster.step({ kind: "plan-begun", clientId: CLIENT, idBase: 0, taskCount: 3 });
    cluster.step({
      kind: "plan-extended",
      clientId: CLIENT,
      plan: planOfTasks([result, result], 0),
    });
    detach(cluster);
    const pending = [0, 1, 2].map((id) => [id, RESULT_PENDING] as const);
    expect(told(attach(cluster, { plans: [[0, 3]], results: pending }))).toEqual([
      ["attached", [], 0, 2],
    ]);
    cluster.step({ kind: "plan-extended", clientId: CLIENT, plan: planOfTasks([result], 2) });
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    const finished = [
      cluster.finish(WORKER, 1),
      cluster.finish(WORKER, 1),
      cluster.finish(WORKER, 1),
    ];
    expect(finished.flatMap(told).map(([kind]) => kind)).toEqual([
      "finished",
      "finished",
      "finished",
    ]);
  });

  test("loses a plan that it began and does not want any more", () => {
    const cluster = clusterOf();
    cluster.step({ kind: "plan-begun", clientId: CLIENT, idBase: 0, taskCount: 3 });
    cluster.step({
      kind: "plan-extended",
      clientId: CLIENT,
      plan: planOfTasks([result, result], 0),
    });
    detach(cluster);
    expect(told(attach(cluster, {}))).toEqual([["attached", [], -1, 0]]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("asks again for what it had asked for", () => {
    const cluster = clusterOf();
    submit(cluster, [result]);
    cluster.finish(WORKER, 1);
    cluster.step({ kind: "worker-lost", workerId: WORKER });
    cluster.step({ kind: "result-requested", clientId: CLIENT, clientTask: 0 });
    expect(cluster.state.parkedRequests.size).toBe(1);
    detach(cluster);
    expect(cluster.state.parkedRequests.size).toBe(0);
    attach(cluster, { results: [[0, RESULT_FINISHED]] });
    cluster.join(3);
    expect(told(cluster.finish(3, 1))).toEqual([]);
    expect(
      told(cluster.step({ kind: "result-requested", clientId: CLIENT, clientTask: 0 })),
    ).toEqual([[expect.stringMatching(/^deliver/)]]);
  });

  test("is forgotten after the grace, with all that is its own", () => {
    const cluster = clusterOf();
    submit(cluster, [result, result]);
    cluster.finish(WORKER, 1);
    detach(cluster);
    expect(told(passTime(cluster, 29_000))).toEqual([]);
    expect(told(passTime(cluster, 31_000))).toEqual([["end-client"]]);
    expect(cluster.state.clients.size).toBe(0);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });
});

describe("a named plan", () => {
  test("lives without anybody, and tells all that there is to whoever asks", () => {
    const cluster = clusterOf("named");
    submit(cluster, [result, result]);
    cluster.finish(WORKER, 1);
    expect(told(passTime(cluster, 1_000_000))).toEqual([]);
    const ask = () =>
      told(cluster.step({ kind: "client-attached", clientId: CLIENT, held: undefined }));
    expect(ask()).toEqual([["finished", [0], {}]]);
    expect(ask()).toEqual([["finished", [0], {}]]);
    fail(cluster, "no luck");
    expect(ask()).toMatchObject([["failed", 1, "no luck", true]]);
  });
});
