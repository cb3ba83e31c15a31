import { bytesText, countText, durationText } from "../../base/units.ts";
import type {
  ExplainedCandidate,
  ExplainedInput,
  ExplainedRerun,
  RerunReason,
  TaskExplanation,
} from "../../model/explanation.ts";
import { describeAmounts, describeUnsatisfiable } from "../amounts.ts";
import { classOf } from "../request-classes.ts";
import type { SchedulerState } from "../state.ts";
import { RUNNING } from "../task-table.ts";

type Facts = Omit<TaskExplanation, "text">;

const REASONS: Readonly<Record<RerunReason, string>> = {
  failed: "saw it fail",
  "worker-lost": "was lost",
  retracted: "gave it back before it began, because another worker had nothing to do",
  "input-unreachable": "could not have one of its inputs",
  "input-lost": "had it while one of its inputs was lost",
  "data-lost": "lost the data that it had made",
  "input-not-made": "was to go on with it, and did not make its inputs",
  "checkpoint-missing": "did not find its checkpoint, so that it is computed",
};

/** The facts in sentences, one a line: what it is, why it waits or where it is, why there, why again. */
export function describeExplanation(state: SchedulerState, row: number, facts: Facts): string {
  return [
    headLine(facts),
    ...stateLines(state, row, facts),
    ...candidateLines(facts),
    ...facts.failures.map((line) => `${line}.`),
    ...facts.reruns.filter(({ reason }) => reason !== "failed").map(rerunLine),
  ].join("\n");
}

function headLine({ client, task, label, taskType, state, attempts }: Facts): string {
  const name = label === "" ? "" : ` "${label}"`;
  const tries = attempts > 1 ? `, attempt ${attempts}` : "";
  return `Task ${task}${name} of client ${client} (${taskType}) is ${state}${tries}.`;
}

function stateLines(state: SchedulerState, row: number, facts: Facts): string[] {
  switch (facts.state) {
    case "waiting":
      return waitingLines(facts);
    case "ready":
      return [readyLine(state, row, facts)];
    case "assigned":
      return [
        `${facts.workers.join()} has it and has not begun it: ${workerLoad(state, row)}.`,
        ...(facts.missingInputCount > 0 ? waitingLines(facts) : []),
      ];
    case "running":
      return [`It runs on ${facts.workers.join()}.`];
    case "finished":
      return [`Its ${bytesText(facts.sizeBytes ?? 0)} are on ${facts.workers.join(", ")}.`];
    case "failed":
      return [`It cannot be had: task ${state.failed.get(row)?.clientTask} failed.`];
    case "dormant":
      return [
        "Nobody needs its data now; the record is kept to make the data again if that is lost.",
      ];
  }
}

function waitingLines({ retry, missingInputCount, missingInputs, blockers }: Facts): string[] {
  const lines =
    retry === undefined
      ? []
      : [`It waits for ${durationText(retry.inMs)} before it is tried again.`];
  if (missingInputCount === 0) return lines;
  lines.push(
    `It waits for ${countText(missingInputCount, "input")}: ${listTasks(missingInputs, missingInputCount)}.`,
  );
  const isNews = blockers.some(({ task }) => !missingInputs.some((input) => input.task === task));
  if (isNews) lines.push(`Behind those, in the end: ${listTasks(blockers, blockers.length)}.`);
  return lines;
}

function readyLine(state: SchedulerState, row: number, { workers }: Facts): string {
  const requestClass = classOf(state, row);
  if (state.workers.size === 0) return "Its inputs are there; no worker is.";
  if (state.kinds.size === 0) return "Its inputs are there; all workers are draining.";
  if (requestClass.capableKinds.size === 0) {
    return `${describeUnsatisfiable(state, requestClass)}; it waits for one that can.`;
  }
  const asked = describeAmounts(state, requestClass.request);
  if (workers.length > 0) {
    return `Its inputs are there; it is meant for ${workers.join()}, which has no room for it yet: ${workerLoad(state, row)}.`;
  }
  const others = state.queues.count(requestClass.pool) - 1;
  return `Its inputs are there; it waits with ${countText(others, "other task")} that ask for ${asked} until a worker has room for it.`;
}

/** "it was given 12 tasks, of which 4 said that they began, and 30 more wait for it here" */
function workerLoad({ workers, tasks, queues }: SchedulerState, row: number): string {
  const worker = workers.get(tasks.worker[row] as number);
  if (worker === undefined) return "it is gone";
  const given = queues.count(worker.given);
  const running = queues.lastRows(
    worker.given,
    given,
    (other) => tasks.state[other] === RUNNING,
  ).length;
  const more =
    worker.backlogTasks === 0 ? "" : `, and ${worker.backlogTasks} more wait for it here`;
  return `it was given ${countText(given, "task")}, of which ${running} said that they began${more}`;
}

function candidateLines({ candidates, workers, state }: Facts): string[] {
  if (state === "waiting" || candidates.length === 0) return [];
  return [
    "Where it could run, by what that would cost now:",
    ...candidates.map((candidate) => candidateLine(candidate, workers.includes(candidate.worker))),
  ];
}

function candidateLine(candidate: ExplainedCandidate, isChosen: boolean): string {
  const { worker, missingBytes, missingObjects, transferUs, loadUs } = candidate;
  const missing =
    missingObjects === 0
      ? "has all inputs"
      : `lacks ${countText(missingObjects, "input")}, ${bytesText(missingBytes)}, ${durationText(transferUs / 1000)} to bring in`;
  return `  ${worker}${isChosen ? " (chosen)" : ""}: ${missing}; ${durationText(loadUs / 1000)} of work before it`;
}

function rerunLine({ attempt, worker, reason, agoMs }: ExplainedRerun): string {
  return `Attempt ${attempt}: ${worker === "" ? "its worker" : worker} ${REASONS[reason]}, ${durationText(agoMs)} ago.`;
}

function listTasks(some: readonly ExplainedInput[], count: number): string {
  const list = some.map(({ task, label, state, worker }) => {
    const name = label === "" ? `task ${task}` : `task ${task} "${label}"`;
    return worker === "" ? `${name} (${state})` : `${name} (${state}, ${worker})`;
  });
  return count > some.length
    ? `${list.join(", ")} and ${count - some.length} more`
    : list.join(", ");
}
