import { describe, expect, test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { SimulationFailure } from "../../src/simulator/simulation-failure.ts";
import type { SimulationOptions } from "../../src/simulator/simulation-options.ts";
import type { Sabotage } from "../../src/simulator/world.ts";

const OPTIONS: Partial<SimulationOptions> = { seed: 5, workload: "layered", taskCount: 40 };

/** True for the `count`th call and for no other. */
function onlyOnce(count: number): () => boolean {
  let calls = 0;
  return () => {
    calls += 1;
    return calls === count;
  };
}

function failureOf(sabotage: Sabotage, options: Partial<SimulationOptions> = {}): string {
  try {
    runSimulation({ ...OPTIONS, ...options }, sabotage);
  } catch (error) {
    if (error instanceof SimulationFailure) return error.message;
    throw error;
  }
  return "no failure";
}

describe("a planted bug is caught", () => {
  test("none, as a comparison", () => {
    expect(failureOf({})).toBe("no failure");
  });

  test("a lost report: somebody waits for ever", () => {
    const isTheOne = onlyOnce(4);
    const message = failureOf({
      fromWorker: (report) => (report.kind === "tasks-finished" && isTheOne() ? [] : [report]),
    });
    expect(message).toContain("somebody still waits");
  });

  test("a lost assignment: somebody waits for ever", () => {
    const isTheOne = onlyOnce(3);
    const message = failureOf({
      toWorker: (order) => (order.kind === "assign" && isTheOne() ? [] : [order]),
    });
    expect(message).toContain("somebody still waits");
  });

  test("a lost notification: the client waits for ever", () => {
    const isTheOne = onlyOnce(1);
    const message = failureOf({
      toClient: (answer) => (answer.kind === "taskFinished" && isTheOne() ? [] : [answer]),
    });
    expect(message).toContain("somebody still waits");
  });

  test("a result that is told finished twice", () => {
    const isTheOne = onlyOnce(1);
    const message = failureOf({
      toClient: (answer) =>
        answer.kind === "taskFinished" && isTheOne() ? [answer, answer] : [answer],
    });
    expect(message).toContain("was told finished twice");
  });

  test("an execution that is started twice", () => {
    const isTheOne = onlyOnce(2);
    const message = failureOf({
      execute: (rows) => (isTheOne() ? Uint32Array.of(...rows, rows[0] ?? 0) : rows),
    });
    expect(message).toContain("executed twice");
  });

  test("a leaked object: a drop that never arrives", () => {
    const isTheOne = onlyOnce(2);
    const message = failureOf({
      toWorker: (order) => (order.kind === "drop" && isTheOne() ? [] : [order]),
    });
    expect(message).toContain("still holds objects");
  });

  test("a wrong value", () => {
    const isTheOne = onlyOnce(3);
    const message = failureOf(
      { store: (value) => (isTheOne() ? { ...value, hash: value.hash ^ 1 } : value) },
      { workload: "chain", fetchShare: 1 },
    );
    expect(message).toContain("fetched a wrong value");
  });

  test("resources that are given away while what is killed still uses them", () => {
    // Not with every seed has another task come for them.
    const options = { workload: "resources", faults: ["leave"], clientCount: 2 } as const;
    const messages = Array.from({ length: 20 }, (_, i) =>
      failureOf({ kill: () => true }, { ...options, seed: i + 1 }),
    );
    expect(messages.join("\n")).toContain("runs more than it offers");
  });

  test("a task that fails without reason", () => {
    const isTheOne = onlyOnce(3);
    const message = failureOf({
      fromWorker: (report) => {
        if (report.kind !== "tasks-finished" || !isTheOne()) return [report];
        const { tasks, attempts } = report.finished;
        const failure = { message: "planted" };
        return [{ kind: "task-failed", task: tasks[0] ?? 0, attempt: attempts[0] ?? 0, failure }];
      },
    });
    expect(message).toContain("failed without a failing task");
  });

  test("the message has the command that shows it again", () => {
    const message = failureOf({ fromWorker: () => [] });
    expect(message).toMatch(/npm run simulate -- --seed 5 --workload layered --tasks 40/);
  });
});
