import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/base/random.ts";
import type { JournalRecord } from "../../src/core/model/journal-record.ts";
import { checkSchedulerInvariants } from "../../src/core/scheduler/invariants.ts";
import { finishRestore } from "../../src/core/scheduler/restore/finish-restore.ts";
import { restoreRecord } from "../../src/core/scheduler/restore/restore.ts";
import { createRestore } from "../../src/core/scheduler/restore/restore-state.ts";
import {
  type ClientRecord,
  createSchedulerState,
  type SchedulerState,
} from "../../src/core/scheduler/state.ts";
import { stepScheduler } from "../../src/core/scheduler/step.ts";
import { FREE, RESULT } from "../../src/core/scheduler/task-table.ts";
import { decodeClientRequest } from "../../src/protocol/client/client-request.ts";
import { createLedger, ownerKeyOf } from "../../src/protocol/journal/ledger.ts";
import { decodeRecord, encodeRecord } from "../../src/protocol/journal/record-codec.ts";
import type { FaultName } from "../../src/simulator/faults/catalog.ts";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { planContext } from "../../src/simulator/simulated-server.ts";
import { WORKLOAD_NAMES } from "../../src/simulator/workloads/catalog.ts";

const encode = (record: JournalRecord): Uint8Array =>
  Uint8Array.from(encodeRecord(record).flatMap((part) => [...part]));

/** What a server that takes over makes of these records. */
function restored(bodies: readonly Uint8Array[]): SchedulerState {
  const state = createSchedulerState({ keepsJournal: true });
  const restore = createRestore(state);
  for (const body of bodies) {
    const record = decodeRecord(body);
    const request =
      record.kind === "plan-accepted" ? decodeClientRequest(record.frame, planContext) : undefined;
    restoreRecord(
      restore,
      record,
      request !== undefined && "plan" in request ? request.plan : undefined,
    );
  }
  finishRestore(restore, 0, 10_000);
  return state;
}

/** Rows that a result of a client that is there needs, or a plan that is still coming, of what is written down. */
function neededRows(state: SchedulerState): Set<number> {
  const { tasks } = state;
  const stack: number[] = [];
  for (const plan of new Set(state.plans.values())) {
    if (!state.clients.has(plan.clientId)) continue;
    const notWritten = new Set<number>();
    for (const intake of state.work.intakes) {
      if (intake.kind !== "plan" && intake.kind !== "chunk") continue;
      if (intake.phase.startsWith("starting")) continue;
      for (const row of intake.rows) notWritten.add(row);
    }
    for (let i = 0; i < plan.rows.length; i += 1) {
      const row = plan.rows.at(i);
      if (!tasks.isOf(row, plan.serial) || notWritten.has(row)) continue;
      if (plan.isOpen || ((tasks.flags[row] as number) & RESULT) !== 0) stack.push(row);
    }
  }
  const needed = new Set<number>();
  for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
    if (needed.has(row)) continue;
    needed.add(row);
    const start = tasks.edgeStart[row] as number;
    for (let k = 0; k < (tasks.inputCount[row] as number); k += 1) {
      stack.push(tasks.edges.items[start + k] as number);
    }
  }
  return needed;
}

function describeRow(state: SchedulerState, row: number): unknown {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  return {
    row,
    serial: tasks.serial[row],
    attemptBase: tasks.attemptBase[row],
    clientTask: tasks.clientTask[row],
    taskType: tasks.taskType[row],
    isResult: ((tasks.flags[row] as number) & RESULT) !== 0,
    request: state.classes[tasks.request[row] as number]?.request,
    inputs: [...tasks.edges.items.subarray(start, start + (tasks.inputCount[row] as number))],
    details: [...tasks.assignedDetails(row)],
    label: [...tasks.label(row)],
  };
}

const indexedResults = (client: ClientRecord, state: SchedulerState): unknown[] =>
  [...neededRows(state)]
    .sort((a, b) => a - b)
    .filter((row) => ((state.tasks.flags[row] as number) & RESULT) !== 0)
    .filter((row) => state.plans.get(state.tasks.serial[row] as number)?.clientId === client.id)
    .map((row) => [row, client.rows.get(state.tasks.clientTask[row] as number)]);

/** The records as a compaction of the first `count` leaves them: what lives of these comes last, perhaps twice. */
function compacted(bodies: readonly Uint8Array[], count: number, isHalfway: boolean): Uint8Array[] {
  const ledger = createLedger();
  for (const body of bodies) ledger.add(decodeRecord(body), 1, body.length);
  const alive = bodies
    .slice(0, count)
    .filter((body) => ledger.isLive(decodeRecord(body)) || isAboutCluster(body));
  return [...bodies.slice(isHalfway ? 0 : count), ...alive];
}

const isAboutCluster = (body: Uint8Array): boolean => ownerKeyOf(decodeRecord(body)) === undefined;

/** Compares what the next server would know with what this one knows. */
function compare(live: SchedulerState, bodies: readonly Uint8Array[]): void {
  const next = restored(bodies);
  const needed = [...neededRows(live)].sort((a, b) => a - b);
  const { tasks } = next;
  const present = Array.from(tasks.state.keys()).filter((row) => tasks.state[row] !== FREE);
  expect(present).toEqual(needed);
  for (const row of needed) expect(describeRow(next, row)).toEqual(describeRow(live, row));
  expect([...next.clients.keys()].sort()).toEqual(
    [...live.clients.values()]
      .filter((client) => client.isJournaled)
      .map(({ id }) => id)
      .sort(),
  );
  for (const client of next.clients.values()) {
    const of = live.clients.get(client.id) as ClientRecord;
    expect(indexedResults(client, next)).toEqual(indexedResults(of, live));
    expect(client.openPlan?.serial).toBe(
      of.openPlan?.isOpen === true ? of.openPlan.serial : undefined,
    );
  }
  checkSchedulerInvariants(next);
  stepScheduler(next, { kind: "time-passed", atMs: 20_000 });
  checkSchedulerInvariants(next);
  expect(next.recovery).toBeUndefined();
}

const FAULT_SETS: readonly (readonly FaultName[])[] = [
  [],
  ["lost", "slow", "late", "release", "cancel", "leave", "flaky", "vanish"],
];

describe.each(WORKLOAD_NAMES)("workload %s", (workload) => {
  test.each(FAULT_SETS.map((faults) => [faults.join(" ") || "no faults", faults] as const))(
    "with %s, the next server would know what this one knows",
    (_, faults) => {
      for (let seed = 1; seed <= 2; seed += 1) {
        const bodies: Uint8Array[] = [];
        const random = createRandom(seed);
        let steps = 0;
        let safe = 0;
        runSimulation(
          {
            seed,
            workload,
            faults,
            taskCount: 10 + (seed % 5) * 5,
            clientCount: 1 + (seed % 2),
            workerCount: 1 + (seed % 4),
            ...(seed % 3 === 0 ? {} : { workPerStep: 48 }),
          },
          {
            onStep: (records, state) => {
              for (const record of records) bodies.push(encode(record));
              steps += 1;
              if (records.length > 0 || steps % 7 === 0) compare(state, bodies);
              if (steps % 9 === 0) {
                const count = random.below(bodies.length + 1);
                compare(state, compacted(bodies, count, steps % 2 === 0));
              }
              if (steps % 5 === 0) safe = bodies.length;
              return safe;
            },
          },
        );
      }
    },
  );
});
