import { countText, durationText } from "../../base/units.ts";
import { describeAmounts, describeUnsatisfiable } from "../amounts.ts";
import type { StepContext } from "../context.ts";
import type { RequestClass, SchedulerState } from "../state.ts";
import { READY, RUNNING } from "../task-table.ts";
import { planOf } from "../wants.ts";

/** Ready tasks that wait for so long while nothing begins or ends are worth a word. */
const STALL_MS = 10_000;
/** Running tasks that are named. */
const NAMED_MAX = 3;

/** Since when nothing has moved. */
export type Stall = {
  /** Sum of the counters that move when anything is given, ends or comes back. */
  moves: number;
  sinceMs: number;
  /** It is told when it has lasted for so long; then twice as long, so that the log stays short. */
  tellAfterMs: number;
};

export const createStall = (): Stall => ({ moves: 0, sinceMs: 0, tellAfterMs: STALL_MS });

/** Once a second or so: tells the clients of ready tasks why none of them moves. */
export function tellStalls(context: StepContext): void {
  const { state } = context;
  const { counters, stall } = state;
  const moves =
    counters.tasksAssigned +
    counters.tasksFinished +
    counters.tasksFailed +
    counters.tasksCanceled +
    counters.tasksRetracted +
    counters.tasksStarted;
  if (moves !== stall.moves || !hasReady(state)) {
    stall.moves = moves;
    stall.sinceMs = state.nowMs;
    stall.tellAfterMs = STALL_MS;
    return;
  }
  const lastedMs = state.nowMs - stall.sinceMs;
  if (lastedMs < stall.tellAfterMs) return;
  stall.tellAfterMs = lastedMs * 2;
  for (const row of firstReadyOfClients(state)) {
    context.outbox.others.push({
      kind: "notify-notice",
      clientId: planOf(state, row).clientId,
      clientTask: state.tasks.clientTask[row] as number,
      message: `Nothing has begun or ended for ${durationText(lastedMs)}. ${describeStall(state)}`,
    });
  }
}

const hasReady = ({ pooledClasses, backlogCount }: SchedulerState): boolean =>
  pooledClasses.size > 0 || backlogCount > 0;

/** One ready row of each client that has any. */
function firstReadyOfClients(state: SchedulerState): number[] {
  const { tasks } = state;
  const rows = new Map<number, number>();
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] !== READY) continue;
    const { clientId } = planOf(state, row);
    if (!rows.has(clientId)) rows.set(clientId, row);
  }
  return [...rows.values()];
}

/** What is ready, and what stands in its way, by request. */
function describeStall(state: SchedulerState): string {
  if (state.workers.size === 0) return "Tasks are ready; there is no worker: start one.";
  if (state.kinds.size === 0) {
    return "Tasks are ready; all workers are draining, and are given none: start one.";
  }
  const classes = new Set([...state.pooledClasses, ...state.backloggedClasses]);
  return [...classes].map((requestClass) => describeClass(state, requestClass)).join(" ");
}

function describeClass(state: SchedulerState, requestClass: RequestClass): string {
  const { queues } = state;
  if (requestClass.capableKinds.size === 0) return `${describeUnsatisfiable(state, requestClass)}.`;
  let ready = queues.count(requestClass.pool);
  let workers = 0;
  let given = 0;
  const running: string[] = [];
  for (const worker of state.workers.values()) {
    if (!requestClass.capableKinds.has(worker.kind)) continue;
    const backlog = worker.backlogs.get(requestClass.id);
    if (backlog !== undefined) ready += queues.count(backlog);
    workers += 1;
    const count = queues.count(worker.given);
    given += count;
    const rows = queues.lastRows(worker.given, count, (row) => state.tasks.state[row] === RUNNING);
    for (const row of rows) running.push(`task ${state.tasks.clientTask[row]} on ${worker.name}`);
  }
  const asked = describeAmounts(state, requestClass.request);
  const busy =
    running.length === 0
      ? "none of which has said that it began"
      : `of which ${running.length} run, such as ${running.slice(0, NAMED_MAX).join(", ")}`;
  return (
    `${countText(ready, "task")} that ask for ${asked} are ready; the ${countText(workers, "worker")} ` +
    `that could run them have ${countText(given, "task")} to do first, ${busy}.`
  );
}
