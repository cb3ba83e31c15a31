import { describe, expect, test } from "vitest";
import { CPUS } from "../../src/core/model/symbols.ts";
import { createExecutionChecker } from "../../src/simulator/checkers/executions.ts";
import { createLeakChecker } from "../../src/simulator/checkers/leaks.ts";
import { createObjectChecker } from "../../src/simulator/checkers/objects.ts";
import type { Checker, EndState, Observation } from "../../src/simulator/checkers/observation.ts";
import { createResourceChecker } from "../../src/simulator/checkers/resources.ts";

const NOTHING_LEFT: EndState = {
  scheduler: { tasks: 0, objects: 0, clients: 0 },
  workers: [],
};

const joined = (workerId: number): Observation => ({
  kind: "worker-joined",
  workerId,
  offer: [{ resource: CPUS, amount: 2 }],
});
const started = (task: number, attempt = 1, work = `work ${task}`): Observation => ({
  kind: "execution-started",
  workerId: 1,
  task,
  attempt,
  work,
  request: [{ resource: CPUS, amount: 1 }],
});
type Turn = "execution-ended" | "execution-stopped" | "execution-killed";
const turned = (kind: Turn, task: number, attempt = 1): Observation => {
  const at = { workerId: 1, task, attempt };
  return kind === "execution-ended" ? { kind, ...at, mayTryAgain: false } : { kind, ...at };
};
const ended = (task: number, attempt?: number): Observation =>
  turned("execution-ended", task, attempt);
const stopped = (task: number): Observation => turned("execution-stopped", task);
const killed = (task: number): Observation => turned("execution-killed", task);

/** What the checker has to say to this course of events; empty if nothing. */
function complaintOf(checker: Checker, observations: readonly Observation[]): string {
  try {
    for (const observation of observations) checker.observe(observation);
    checker.finish(NOTHING_LEFT);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe("executions", () => {
  test.each<[string, readonly Observation[], RegExp | ""]>([
    ["one of each", [started(1), ended(1), started(2), ended(2)], ""],
    ["an attempt twice", [started(1), ended(1), started(1)], /executed twice/],
    ["a task twice", [started(1), ended(1), started(1, 2, "work 1")], /nothing explains it/],
    [
      "a task again since its worker was lost",
      [
        started(1),
        ended(1),
        { kind: "worker-lost", workerId: 1 },
        started(1, 2, "work 1"),
        ended(1, 2),
      ],
      "",
    ],
    [
      "a task again since it was stopped",
      [started(1), stopped(1), started(1, 2, "work 1"), killed(1), ended(1, 2)],
      "",
    ],
    ["one that is stopped and never killed", [started(1), stopped(1)], /never ended/],
    ["an end without a start", [ended(1)], /did not run/],
    ["a start without an end", [started(1)], /never ended/],
  ])("%s", (_, observations, complaint) => {
    expect(complaintOf(createExecutionChecker(), observations)).toMatch(complaint || /^$/);
  });
});

describe("resources", () => {
  test.each<[string, readonly Observation[], RegExp | ""]>([
    ["as much as there is", [joined(1), started(1), started(2), ended(1), ended(2)], ""],
    ["more than there is", [joined(1), started(1), started(2), started(3)], /more than it offers/],
    [
      "what is free again",
      [joined(1), started(1), started(2), killed(2), started(3), ended(1), ended(3)],
      "",
    ],
    [
      "what is not free as long as it is being killed",
      [joined(1), started(1), started(2), stopped(2), started(3)],
      /more than it offers/,
    ],
    ["what is never free again", [joined(1), started(1)], /still has resources in use/],
  ])("%s", (_, observations, complaint) => {
    expect(complaintOf(createResourceChecker(), observations)).toMatch(complaint || /^$/);
  });
});

describe("objects", () => {
  const object = { workerId: 1, task: 1, attempt: 1 };
  const served: Observation = { ...object, kind: "object-served", peer: 2 };
  test.each<[string, readonly Observation[], RegExp | ""]>([
    ["served while held", [joined(1), { ...object, kind: "object-stored" }, served], ""],
    ["served and never held", [joined(1), served], /does not hold/],
    [
      "served after it was discarded",
      [
        joined(1),
        { ...object, kind: "object-stored" },
        { ...object, kind: "object-discarded" },
        served,
      ],
      /does not hold/,
    ],
    [
      "needed where it is not",
      [joined(1), { ...object, kind: "input-missing", input: "7.1" }],
      /without input 7.1/,
    ],
  ])("%s", (_, observations, complaint) => {
    expect(complaintOf(createObjectChecker(), observations)).toMatch(complaint || /^$/);
  });
});

describe("leaks", () => {
  const worker = { workerId: 1, objects: [], executions: 0, pulls: 0, tasks: 0 };
  test.each<[string, EndState, RegExp]>([
    ["a task", { ...NOTHING_LEFT, workers: [{ ...worker, tasks: 1 }] }, /still knows 1 tasks/],
    ["an object", { ...NOTHING_LEFT, workers: [{ ...worker, objects: ["1.1"] }] }, /holds objects/],
    ["an execution", { ...NOTHING_LEFT, workers: [{ ...worker, executions: 1 }] }, /still runs/],
    ["a pull", { ...NOTHING_LEFT, workers: [{ ...worker, pulls: 1 }] }, /still waits/],
    ["a row", { ...NOTHING_LEFT, scheduler: { tasks: 1, objects: 0, clients: 0 } }, /scheduler/],
    ["a client", { ...NOTHING_LEFT, scheduler: { tasks: 0, objects: 0, clients: 1 } }, /that left/],
  ])("%s that is left", (_, end, complaint) => {
    expect(() => createLeakChecker().finish(end)).toThrow(complaint);
    expect(() => createLeakChecker().finish(NOTHING_LEFT)).not.toThrow();
  });
});
