import { expect, test } from "vitest";
import type { FinishedTasks } from "../../src/core/model/batches.ts";
import type { FromWorker } from "../../src/protocol/worker/messages.ts";
import { createReportJoiner } from "../../src/worker/report-joiner.ts";

const finishedOf = (...tasks: number[]): FinishedTasks => ({
  tasks: Uint32Array.from(tasks),
  attempts: Uint32Array.from(tasks, () => 1),
  sizesBytes: Float64Array.from(tasks, (task) => task * 10),
  lengths: Float64Array.from(tasks, () => 0),
  dataTypes: Uint16Array.from(tasks, () => 16),
  durationsUs: Float32Array.from(tasks, (task) => task / 2),
  carried: undefined,
});

const refs = { tasks: Uint32Array.of(9), attempts: Uint32Array.of(1) };

test("what is finished within one turn is one report", async () => {
  const sent: FromWorker[] = [];
  const send = createReportJoiner((message) => sent.push(message));
  send({ kind: "tasks-finished", finished: finishedOf(1, 2) });
  send({ kind: "tasks-finished", finished: finishedOf(3) });
  expect(sent).toEqual([]);
  await undefined;
  expect(sent).toEqual([{ kind: "tasks-finished", finished: finishedOf(1, 2, 3) }]);
  send({ kind: "tasks-finished", finished: finishedOf(4) });
  await undefined;
  expect(sent.slice(1)).toEqual([{ kind: "tasks-finished", finished: finishedOf(4) }]);
});

test("results ride along, each with its task", async () => {
  const sent: FromWorker[] = [];
  const send = createReportJoiner((message) => sent.push(message));
  const carriedOf = (positions: number[], ...bytes: number[]) => ({
    positions: Uint32Array.from(positions),
    dataTypes: Uint16Array.from(positions, () => 16),
    frameCounts: Uint32Array.from(positions, () => 1),
    starts: Uint32Array.from([0, ...positions], (_, i) => i),
    bytes: Uint8Array.from(bytes),
  });
  send({ kind: "tasks-finished", finished: finishedOf(1) });
  send({
    kind: "tasks-finished",
    finished: { ...finishedOf(2, 3), carried: carriedOf([0, 1], 20, 30) },
  });
  send({ kind: "tasks-finished", finished: { ...finishedOf(4, 5), carried: carriedOf([1], 50) } });
  await undefined;
  expect(sent).toEqual([
    {
      kind: "tasks-finished",
      finished: { ...finishedOf(1, 2, 3, 4, 5), carried: carriedOf([1, 2, 4], 20, 30, 50) },
    },
  ]);
});

test("whatever comes later is told later", async () => {
  const sent: FromWorker[] = [];
  const send = createReportJoiner((message) => sent.push(message));
  send({ kind: "tasks-finished", finished: finishedOf(1) });
  send({ kind: "tasks-started", refs });
  send({ kind: "tasks-finished", finished: finishedOf(9) });
  await undefined;
  expect(sent).toEqual([
    { kind: "tasks-finished", finished: finishedOf(1) },
    { kind: "tasks-started", refs },
    { kind: "tasks-finished", finished: finishedOf(9) },
  ]);
});
