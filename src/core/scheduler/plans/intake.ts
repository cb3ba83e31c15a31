import { assert } from "../../base/assert.ts";
import type { Plan } from "../../model/plan.ts";
import { isDynamic } from "../../model/symbols.ts";
import type { StepContext } from "../context.ts";
import { recordAccepted, recordRefused } from "../record.ts";
import { forgetTaskOfClass } from "../request-classes.ts";
import type { ClientRecord, PlanRecord, RequestClass, SchedulerState } from "../state.ts";
import { forgetPlanIfEmpty, resurrect } from "../wants.ts";
import { addTasks } from "./add-tasks.ts";
import { advanceCancelation, type Cancelation } from "./cancelation.ts";
import { checkTasks } from "./check-plan.ts";
import { completePlan } from "./complete-plan.ts";
import { endPlan } from "./end-plan.ts";
import { findNeeds, NEEDED } from "./find-needs.ts";
import { startRest, startUsed } from "./start-tasks.ts";
import { levelNewPlan } from "./time-levels.ts";
import { chunkPriorities, hasUrgencies, unknownPriorities } from "./urgencies.ts";

/**
 * A plan, or a chunk of one, on its way into the state. Each phase goes over all of its tasks and
 * can stop at any of them, since a million tasks are too much for one step:
 *
 *     checking -> weighing -> reserving -> adding -> starting used -> starting rest
 *                (plan only)
 *
 * Until `adding` is over nothing of a plan runs: each of its rows counts `NOT_BEGUN` among its
 * unfinished inputs, until it is started.
 */
export type PlanIntake = {
  readonly kind: "plan" | "chunk";
  readonly client: ClientRecord;
  readonly record: PlanRecord;
  readonly plan: Plan;
  readonly loadable: Uint8Array | undefined;
  phase: Phase;
  /** The task that the phase comes to next. */
  position: number;
  /** What becomes of each task; see `find-needs.ts`. */
  readonly needs: Uint8Array;
  /** Longest path from each task to a result, in tasks. */
  readonly priorities: Int32Array;
  /** Places at which each task is used. */
  readonly consumerCounts: Uint32Array;
  /** Tasks that get a row, and their inputs. */
  neededCount: number;
  neededEdges: number;
  /** All is started in one step: dynamic tasks replace others, which must have been started. */
  readonly isStartedWhole: boolean;
  /** Row of each task, or -1. */
  readonly rows: Int32Array;
  /** Where in `plan.optionalInputs` those of the next task are. */
  nextOptional: number;
  /** The plan's requests, then that of light tasks; each counts as a task of its class while this lasts. */
  classes: RequestClass[];
  /** Inputs of earlier plans whose data is there only as a record. */
  readonly dormant: number[];
};

type Phase = "checking" | "weighing" | "reserving" | "adding" | "starting-used" | "starting-rest";

/** The last chunk has come: the plan's hold on its rows ends, and its results are told. */
export type Completion = {
  readonly kind: "completion";
  readonly client: ClientRecord;
  readonly record: PlanRecord;
};

export type Intake = PlanIntake | Completion | Cancelation;

export function createPlanIntake(
  state: SchedulerState,
  client: ClientRecord,
  record: PlanRecord,
  plan: Plan,
  loadable: Uint8Array | undefined,
): PlanIntake {
  setOptions(state, record, plan);
  return {
    kind: "plan",
    client,
    record,
    plan,
    loadable,
    phase: "checking",
    position: 0,
    needs: new Uint8Array(plan.taskCount),
    priorities: unknownPriorities(plan),
    consumerCounts: new Uint32Array(plan.taskCount),
    neededCount: 0,
    neededEdges: 0,
    isStartedWhole: plan.taskTypes.some(isDynamic),
    rows: new Int32Array(plan.taskCount).fill(-1),
    nextOptional: 0,
    classes: [],
    dormant: [],
  };
}

/** Of chunks, the first one tells what holds for the plan. */
function setOptions(state: SchedulerState, record: PlanRecord, plan: Plan): void {
  const { options } = plan;
  state.hasUrgency ||= hasUrgencies(plan) || (options !== undefined && options.priority !== 0);
  if (options === undefined || record.options !== undefined || record.rows.length > 0) return;
  record.options = options;
  if (options.isKeepGoing) state.keepGoingPlans += 1;
}

/** Room for so many consumers is made on a client's word; there is more once they have come. */
const CLAIMED_CONSUMERS_MAX = 64;

/** A chunk says itself what a plan is looked through for. */
export function createChunkIntake(
  state: SchedulerState,
  client: ClientRecord,
  record: PlanRecord,
  plan: Plan,
): PlanIntake {
  const { taskCount } = plan;
  setOptions(state, record, plan);
  const consumerCounts = plan.consumerCounts?.map((count) =>
    Math.min(count, CLAIMED_CONSUMERS_MAX),
  );
  const places = consumerCounts?.reduce((sum, count) => sum + count, 0) ?? 0;
  return {
    kind: "chunk",
    client,
    record,
    plan,
    loadable: undefined,
    phase: "checking",
    position: 0,
    needs: new Uint8Array(taskCount).fill(NEEDED),
    priorities: chunkPriorities(plan, record.options),
    consumerCounts: consumerCounts ?? new Uint32Array(taskCount),
    neededCount: taskCount,
    neededEdges: plan.inputIds.length + places,
    isStartedWhole: false,
    rows: new Int32Array(taskCount).fill(-1),
    nextOptional: 0,
    classes: [],
    dormant: [],
  };
}

export const createCompletion = (client: ClientRecord, record: PlanRecord): Completion => ({
  kind: "completion",
  client,
  record,
});

/** Goes on with the intake as far as the step's budget allows; true once it is over. */
export function advanceIntake(context: StepContext, intake: Intake): boolean {
  if (intake.kind === "cancelation") {
    if (!advanceCancelation(context, intake)) return false;
    intake.client.isTaking = false;
    return true;
  }
  if (intake.record.isGivenUp) return endIntake(context, intake);
  if (intake.kind === "completion") {
    return completePlan(context, intake.record) && endIntake(context, intake);
  }
  while (context.budget > 0 || (intake.isStartedWhole && intake.phase.startsWith("starting"))) {
    const mistake = advancePhase(context, intake);
    if (mistake !== undefined) {
      refuse(context, intake, mistake);
      return endIntake(context, intake);
    }
    if (intake.phase === "starting-rest" && intake.position === intake.plan.taskCount) {
      tellAccepted(context, intake);
      resurrect(context, intake.dormant);
      return endIntake(context, intake);
    }
  }
  return false;
}

/** What is wrong with the plan, or undefined; goes on to the next phase at the end of one. */
function advancePhase(context: StepContext, intake: PlanIntake): string | undefined {
  const { taskCount, inputIds } = intake.plan;
  switch (intake.phase) {
    case "checking": {
      const mistake = checkTasks(context, intake);
      if (mistake !== undefined) return mistake;
      if (intake.position < taskCount) return undefined;
      return enter(intake, intake.kind === "chunk" ? "reserving" : "weighing", taskCount);
    }
    case "weighing":
      findNeeds(context, intake);
      return intake.position > 0 ? undefined : enter(intake, "reserving", 0);
    case "reserving": {
      const { tasks } = context.state;
      if (!tasks.reserve(intake.neededCount, intake.neededEdges)) {
        // To copy a column of a million rows takes some milliseconds.
        context.budget -= (tasks.liveCount + intake.neededCount) >> 8;
        return undefined;
      }
      return enter(intake, "adding", 0);
    }
    case "adding": {
      const mistake = addTasks(context, intake);
      if (mistake !== undefined || intake.position < taskCount) return mistake;
      if (intake.record.isJournaled) recordAccepted(context, intake);
      if (intake.kind === "plan") levelNewPlan(context.state, intake.record);
      return enter(intake, "starting-used", 0);
    }
    case "starting-used":
      if (inputIds.length > 0) startUsed(context, intake);
      else intake.position = taskCount;
      return intake.position < taskCount ? undefined : enter(intake, "starting-rest", 0);
    case "starting-rest":
      startRest(context, intake);
      return undefined;
  }
}

/** From now on the client need not keep it. */
function tellAccepted({ outbox }: StepContext, { client, plan, record }: PlanIntake): void {
  if (client.life === "connection") return;
  const { idBase, taskCount } = plan;
  outbox.others.push({
    kind: "notify-accepted",
    clientId: client.id,
    idBase,
    taskCount,
    afterRecord: record.acceptedRecord,
  });
}

function enter(intake: PlanIntake, phase: Phase, position: number): undefined {
  intake.phase = phase;
  intake.position = position;
}

function refuse(context: StepContext, intake: PlanIntake, mistake: string): void {
  const { client, record } = intake;
  context.outbox.others.push({
    kind: "refuse",
    clientId: client.id,
    message: `Plan refused: ${mistake}`,
    planIdBase: record.idBase,
  });
  if (intake.kind === "chunk") recordRefused(context, record, `Plan refused: ${mistake}`);
  // The client may release what the plan had before it hears of this.
  client.failedIds.add(record.idBase, record.idBase + record.taskCount);
  endPlan(context.state, record, "all");
}

function endIntake({ state }: StepContext, intake: PlanIntake | Completion): true {
  const { client, record } = intake;
  if (intake.kind !== "completion") {
    for (const requestClass of intake.classes) forgetTaskOfClass(state, requestClass);
  }
  forgetPlanIfEmpty(state, record);
  assert(client.isTaking, "a client's intake is under way");
  client.isTaking = false;
  return true;
}
