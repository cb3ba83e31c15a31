import type { Workload } from "../workloads/workload.ts";
import { type Checker, CheckFailed, check } from "./observation.ts";
import type { Oracle } from "./oracle.ts";

type Plan = {
  readonly resultIds: readonly number[];
  readonly taskIds: ReadonlySet<number>;
  /** Plans whose tasks it needs, itself included. */
  readonly needs: ReadonlySet<Plan>;
  isSubmitted: boolean;
  failures: number;
};

type ClientView = {
  readonly oracle: Oracle;
  readonly plans: Plan[];
  readonly finished: Set<number>;
  readonly released: Set<number>;
  readonly canceled: Set<number>;
  /** Tasks that the client has wanted to be canceled, and all of a plan that it has. */
  readonly unwanted: Set<number>;
  hasLeft: boolean;
};

function viewClient(workload: Workload, oracle: Oracle): ClientView {
  const plans: Plan[] = [];
  for (const { idBase, tasks } of workload) {
    const taskIds = new Set(tasks.map((_, position) => idBase + position));
    const resultIds = [...taskIds].filter((id) => tasks[id - idBase]?.isResult);
    const needs = new Set<Plan>();
    const plan: Plan = { resultIds, taskIds, needs, isSubmitted: false, failures: 0 };
    const inputs = new Set(tasks.flatMap((task) => task.inputs));
    for (const earlier of plans) {
      if ([...inputs].some((id) => earlier.taskIds.has(id))) {
        for (const needed of earlier.needs) needs.add(needed);
      }
    }
    needs.add(plan);
    plans.push(plan);
  }
  return {
    oracle,
    plans,
    finished: new Set(),
    released: new Set(),
    canceled: new Set(),
    unwanted: new Set(),
    hasLeft: false,
  };
}

/** Whether some task fails that these results need. */
const doomed = (view: ClientView, results: readonly number[]): boolean =>
  [...view.oracle.neededBy(results)].some((id) => view.oracle.outcomes.get(id)?.kind === "failed");

/**
 * Every result is told finished exactly once, unless it was released or canceled or its plan failed. A plan
 * fails exactly once, only where one of its tasks fails or one of a plan it builds on, and then
 * nothing of it is told any more. Nothing is told to a client that has left, or of what it released.
 */
/** Failures that are nobody's fault but the world's, and how often what they name must have happened. */
const EXCUSES = [
  { message: /ENOSPC/, after: "disk-full", times: 1 },
  { message: /^(Needs .*: )?3 workers were lost while/, after: "worker-lost", times: 3 },
] as const;

export function createAnswerChecker(
  clients: ReadonlyMap<number, { readonly workload: Workload; readonly oracle: Oracle }>,
): Checker {
  const views = new Map<number, ClientView>();
  /** What the dead one said may not have come: it is said again. */
  let hasServerDied = false;
  /** How often each kind of what excuses a failure was seen. */
  const disasters = new Map<string, number>();
  for (const [id, { workload, oracle }] of clients) views.set(id, viewClient(workload, oracle));

  const getView = (clientId: number): ClientView => {
    const view = views.get(clientId);
    check(view !== undefined, () => `an answer for client ${clientId}, whom nobody knows`);
    check(!view.hasLeft, () => `an answer for client ${clientId}, who has left`);
    return view;
  };
  const getPlan = (view: ClientView, clientTask: number): Plan => {
    const plan = view.plans.find(({ taskIds }) => taskIds.has(clientTask));
    check(plan?.isSubmitted === true, () => `an answer for task ${clientTask} of no plan`);
    return plan;
  };

  const onFinished = (clientId: number, clientTask: number): void => {
    const view = getView(clientId);
    const plan = getPlan(view, clientTask);
    const name = `task ${clientTask} of client ${clientId}`;
    check(plan.resultIds.includes(clientTask), () => `${name} is no result`);
    check(plan.failures === 0, () => `${name} was told finished after its plan failed`);
    check(hasServerDied || !view.finished.has(clientTask), () => `${name} was told finished twice`);
    check(!view.released.has(clientTask), () => `${name} was told finished after its release`);
    check(!view.canceled.has(clientTask), () => `${name} was told finished after it was canceled`);
    check(
      view.oracle.outcomes.get(clientTask)?.kind !== "failed",
      () => `${name} was told finished and cannot be`,
    );
    view.finished.add(clientTask);
  };

  const onCanceled = (clientId: number, clientTask: number): void => {
    const view = getView(clientId);
    const plan = getPlan(view, clientTask);
    const name = `task ${clientTask} of client ${clientId}`;
    check(plan.resultIds.includes(clientTask), () => `${name} was canceled and is no result`);
    check(plan.failures === 0, () => `${name} was told canceled after its plan failed`);
    check(!view.finished.has(clientTask), () => `${name} was canceled after it had finished`);
    check(!view.canceled.has(clientTask), () => `${name} was told canceled twice`);
    // A release that comes while a large cancelation goes on waits for its turn.
    const isMeant = [...view.oracle.neededBy([clientTask])].some((id) => view.unwanted.has(id));
    check(isMeant, () => `${name} was canceled, and needs nothing that was to be`);
    view.canceled.add(clientTask);
  };

  const onFailed = (clientId: number, clientTask: number, message: string): void => {
    const view = getView(clientId);
    const plan = getPlan(view, clientTask);
    const name = `the plan of task ${clientTask} of client ${clientId}`;
    plan.failures += 1;
    check(hasServerDied || plan.failures === 1, () => `${name} was told failed twice`);
    const causes = [...plan.needs].flatMap(({ resultIds }) => resultIds);
    const isExcused = EXCUSES.some(
      (excuse) =>
        excuse.message.test(message) && (disasters.get(excuse.after) ?? 0) >= excuse.times,
    );
    check(
      isExcused || doomed(view, causes),
      () => `${name} failed without a failing task: ${message}`,
    );
  };

  /** A plan that builds on one that has failed by now is refused: what it asks for is gone. */
  const crossesFailure = (clientId: number, planIdBase: number): boolean => {
    const plan = getPlan(getView(clientId), planIdBase);
    const isCrossing = [...plan.needs].some((needed) => needed.failures > 0);
    if (isCrossing) plan.failures += 1;
    return isCrossing;
  };

  const finishPlan = (view: ClientView, clientId: number, plan: Plan): void => {
    if (!plan.isSubmitted || plan.failures > 0) return;
    const unwanted = (id: number): boolean => view.released.has(id) || view.canceled.has(id);
    const open = plan.resultIds.filter((id) => !view.finished.has(id) && !unwanted(id));
    check(
      open.length === 0,
      () => `client ${clientId} was told nothing of its results ${open.slice(0, 5).join(", ")}`,
    );
    const kept = plan.resultIds.filter((id) => !unwanted(id));
    check(!doomed(view, kept), () => `a plan of client ${clientId} had to fail and did not`);
  };

  return {
    name: "answers",
    observe: (observation) => {
      switch (observation.kind) {
        case "plan-submitted": {
          const plan = views.get(observation.clientId)?.plans[observation.planNumber];
          if (plan !== undefined) plan.isSubmitted = true;
          break;
        }
        case "result-finished":
          onFinished(observation.clientId, observation.clientTask);
          break;
        case "result-canceled":
          onCanceled(observation.clientId, observation.clientTask);
          break;
        case "cancel-requested": {
          const view = getView(observation.clientId);
          for (const id of observation.clientTasks) {
            view.unwanted.add(id);
            if (!observation.isWholePlan) continue;
            for (const other of getPlan(view, id).taskIds) view.unwanted.add(other);
          }
          break;
        }
        case "task-failed":
          onFailed(observation.clientId, observation.clientTask, observation.message);
          break;
        case "request-refused": {
          const { clientId, planIdBase, message } = observation;
          if (planIdBase !== undefined && crossesFailure(clientId, planIdBase)) break;
          throw new CheckFailed(`client ${clientId} was refused: ${message}`);
        }
        case "result-released": {
          const view = getView(observation.clientId);
          // What was told before it was released counts as told.
          if (!view.finished.has(observation.clientTask)) view.released.add(observation.clientTask);
          break;
        }
        case "disk-full":
        case "worker-lost":
          disasters.set(observation.kind, (disasters.get(observation.kind) ?? 0) + 1);
          break;
        case "server-died":
          hasServerDied = true;
          break;
        case "client-left":
          getView(observation.clientId).hasLeft = true;
          break;
        default:
          break;
      }
    },
    finish: () => {
      for (const [clientId, view] of views) {
        if (view.hasLeft) continue;
        for (const plan of view.plans) {
          check(plan.isSubmitted, () => `client ${clientId} did not get to submit all its plans`);
          finishPlan(view, clientId, plan);
        }
      }
    },
  };
}
