import type { Random } from "../core/base/random.ts";
import { RESULT_FINISHED, RESULT_PENDING } from "../core/model/held-by-client.ts";
import { encodeSmallRequest } from "../protocol/client/client-request.ts";
import { decodeClientResponse } from "../protocol/client/client-response.ts";
import { FRAME_HEADER_BYTES } from "../protocol/client/frame.ts";
import type { HeldResults } from "../protocol/client/held-results.ts";
import { PlanEncoder } from "../protocol/client/plan-encoder.ts";
import { ByteWriter } from "../protocol/wire/byte-writer.ts";
import { readCarriedValues } from "./carried-values.ts";
import { CheckFailed } from "./checkers/observation.ts";
import type { Link } from "./link.ts";
import type { ClientDelivery } from "./simulated-server.ts";
import type { SimulatedValue } from "./values.ts";
import type { Workload, WorkloadPlan } from "./workloads/workload.ts";
import { noteFrame, type World } from "./world.ts";

export type SimulatedClientOptions = {
  readonly clientId: number;
  readonly workload: Workload;
  /** The client's own choices: what it fetches, what it releases early. */
  readonly random: Random;
  /** Share of the results that are fetched. */
  readonly fetchShare: number;
  readonly link: Link<Uint8Array>;
};

/** Submits its plans, fetches results, and releases everything in the end. */
export type SimulatedClient = {
  readonly clientId: number;
  start(): void;
  onDelivery(delivery: ClientDelivery): void;
  /** Releases this share of the results that are not finished, as if nobody wanted them any more. */
  releaseUnfinished(share: number): void;
  /** Cancels this share of the results that are not finished, but for what later plans need. */
  cancelUnfinished(share: number, isWholePlan: boolean): void;
  leave(): void;
  /** Says what it has to say on this connection, before it has begun. */
  connect(link: Link<Uint8Array>): void;
  /** Comes back on another connection, and says what it has. */
  reconnect(link: Link<Uint8Array>): void;
  /** It waits for nothing, and has released all it had or has left. */
  isDone(): boolean;
  hasLeft(): boolean;
  /** What it waits for, for a failed simulation's message. */
  describe(): string;
};

type PlanProgress = {
  readonly plan: WorkloadPlan;
  /** Results that are neither told finished nor failed nor released. */
  readonly open: Set<number>;
  readonly finished: Set<number>;
  /** The server knows nothing of it. */
  isRefused: boolean;
  /** The server has promised not to forget it. */
  isAccepted: boolean;
};

function encodePlan(plan: WorkloadPlan): Uint8Array {
  const encoder = new PlanEncoder();
  for (const task of plan.tasks) {
    const requestIndex = task.request.length === 0 ? -1 : encoder.requestIndex(task.request);
    encoder.addTask(
      task.taskType,
      task.config,
      task.inputs,
      requestIndex,
      task.isResult,
      task.label === "" ? undefined : task.label,
      task.checkpointPath,
      undefined,
      task.policy && { policyIndex: encoder.policyIndex(task.policy) },
    );
  }
  return encoder.finish(plan.idBase, plan.loadsCheckpoints);
}

export function createSimulatedClient(
  world: World,
  options: SimulatedClientOptions,
): SimulatedClient {
  const { clientId, workload, random } = options;
  let { link } = options;
  const submitted: PlanProgress[] = [];
  const fetching = new Set<number>();
  const released = new Set<number>();
  /** Released since it came back, or before as inputs of plans that may be lost: to be told at last. */
  let releasedLate = new Set<number>();
  /** It has said what it has, and waits for the answer. */
  let isReturning = false;
  let hasLeft = false;
  let hasReleasedAll = false;

  const request = (kind: "fetch" | "release", id: number): void => {
    const writer = new ByteWriter();
    encodeSmallRequest(writer, { kind, id });
    link.send(writer.take());
  };

  const release = (id: number): void => {
    if (released.has(id)) return;
    released.add(id);
    if (isReturning) releasedLate.add(id);
    else request("release", id);
  };

  const releaseMany = (ids: readonly number[]): void => {
    const unreleased = ids.filter((id) => !released.has(id));
    for (const id of unreleased) released.add(id);
    if (isReturning) {
      for (const id of unreleased) releasedLate.add(id);
      return;
    }
    const writer = new ByteWriter();
    encodeSmallRequest(writer, { kind: "releaseMany", ids: Int32Array.from(unreleased) });
    link.send(writer.take());
  };

  const resultIds = (plan: WorkloadPlan): number[] =>
    plan.tasks.flatMap((task, position) => (task.isResult ? [plan.idBase + position] : []));

  const submitNext = (): void => {
    for (;;) {
      const plan = workload[submitted.length];
      if (plan === undefined || hasLeft) return;
      const isWaiting = submitted.some(({ open }) => open.size > 0);
      if (plan.submitted === "previous-ended" && isWaiting) return;
      world.observe({ kind: "plan-submitted", clientId, planNumber: submitted.length });
      submitted.push({
        plan,
        open: new Set(resultIds(plan)),
        finished: new Set(),
        isRefused: false,
        isAccepted: false,
      });
      link.send(encodePlan(plan));
    }
  };

  /** Ids that plans will name that are not submitted yet: releasing one would be a mistake. */
  const neededLater = (): Set<number> =>
    new Set(
      workload
        .slice(submitted.length)
        .flatMap((plan) => plan.tasks)
        .flatMap((task) => task.inputs),
    );

  const goOn = (): void => {
    submitNext();
    const isBusy = fetching.size > 0 || submitted.some(({ open }) => open.size > 0);
    if (isBusy || hasLeft || hasReleasedAll || submitted.length < workload.length) return;
    hasReleasedAll = true;
    for (const { plan, isRefused } of submitted) if (!isRefused) releaseMany(resultIds(plan));
  };

  /** All that the tasks need which later plans will name, and these tasks. */
  const lineageOfLater = (): Set<number> => {
    const needed = neededLater();
    const stack = [...needed];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const plan = progressOf(id)?.plan;
      for (const input of plan?.tasks[id - plan.idBase]?.inputs ?? []) {
        if (needed.has(input)) continue;
        needed.add(input);
        stack.push(input);
      }
    }
    return needed;
  };

  const progressOf = (id: number): PlanProgress | undefined =>
    submitted.find(({ plan }) => id >= plan.idBase && id < plan.idBase + plan.tasks.length);

  const onFetched = (id: number, value: SimulatedValue): void => {
    world.observe({ kind: "result-fetched", clientId, clientTask: id, value });
    if (random.unit() < 0.5 && !neededLater().has(id)) release(id);
  };

  const onFinished = (id: number, carried?: SimulatedValue): void => {
    const progress = progressOf(id);
    // A release and the notification can pass each other on their way.
    if (progress === undefined || !progress.open.delete(id)) return;
    progress.finished.add(id);
    if (carried !== undefined) onFetched(id, carried);
    else if (random.unit() < options.fetchShare) {
      fetching.add(id);
      request("fetch", id);
    }
  };

  /** Released, but inputs of plans that the server may not have: to be released behind those. */
  const releasedTooEarly = (unsafe: readonly PlanProgress[]): Set<number> => {
    const inputs = unsafe.flatMap(({ plan }) => plan.tasks).flatMap((task) => task.inputs);
    return new Set(inputs.filter((id) => released.has(id)));
  };

  /** Plans that the server may not have, and that are wanted here or by others of these. */
  const unsafePlans = (): PlanProgress[] => {
    const unsafe: PlanProgress[] = [];
    const wanted = new Set<PlanProgress | undefined>();
    for (const progress of [...submitted].reverse()) {
      const { plan, isRefused, isAccepted } = progress;
      if (isRefused || isAccepted) continue;
      const isHere = resultIds(plan).some((id) => !released.has(id));
      if (!isHere && !wanted.has(progress)) continue;
      unsafe.push(progress);
      for (const task of plan.tasks) for (const id of task.inputs) wanted.add(progressOf(id));
    }
    return unsafe.reverse();
  };

  /** The server does not have these: it died before it had promised to keep them. */
  const submitAgain = (bases: Int32Array): void => {
    for (const base of bases) {
      const progress = progressOf(base);
      if (progress === undefined) continue;
      if (progress.isAccepted) throw new CheckFailed(`plan ${base}, which was accepted, was lost`);
      link.send(encodePlan(progress.plan));
    }
    isReturning = false;
    for (const id of releasedLate) request("release", id);
    releasedLate = new Set();
    for (const id of fetching) request("fetch", id);
  };

  const heldResults = (): HeldResults => {
    const known = submitted.filter(({ isRefused }) => !isRefused);
    const unsafe = unsafePlans();
    const asked = known.filter((progress) => progress.open.size > 0 || unsafe.includes(progress));
    releasedLate = releasedTooEarly(unsafe);
    const isHeld = ({ open, finished }: PlanProgress, id: number): boolean =>
      released.has(id) ? releasedLate.has(id) : open.has(id) || finished.has(id);
    const runs = known.flatMap((progress) =>
      resultIds(progress.plan)
        .filter((id) => isHeld(progress, id))
        .map((id) => [id, progress.open.has(id) ? RESULT_PENDING : RESULT_FINISHED] as const),
    );
    return {
      planBases: Int32Array.from(asked, ({ plan }) => plan.idBase),
      planCounts: Int32Array.from(asked, ({ plan }) => plan.tasks.length),
      runStarts: Int32Array.from(runs, ([id]) => id),
      runCounts: Int32Array.from(runs, () => 1),
      runStates: Uint8Array.from(runs, ([, state]) => state),
      hasMore: false,
    };
  };

  return {
    clientId,
    start: goOn,
    connect: (next) => {
      link = next;
    },
    reconnect: (next) => {
      link = next;
      // What it released may not have come to the server.
      for (const clientTask of released) {
        world.observe({ kind: "result-released", clientId, clientTask });
      }
      const writer = new ByteWriter();
      encodeSmallRequest(writer, { kind: "attach", held: heldResults() });
      isReturning = true;
      link.send(writer.take());
    },
    onDelivery: ({ frame, payload }) => {
      if (hasLeft) return;
      noteFrame(world, -1 - clientId, frame);
      const response = decodeClientResponse(frame.subarray(FRAME_HEADER_BYTES));
      if (response.kind === "taskFinished") onFinished(response.id);
      else if (response.kind === "planAccepted") {
        const progress = progressOf(response.id);
        if (progress !== undefined) progress.isAccepted = true;
      } else if (response.kind === "attached") submitAgain(response.unknownPlans);
      else if (response.kind === "resultsFinished") {
        const values = readCarriedValues(response.carried);
        response.ids.forEach((id, position) => {
          onFinished(id, values.get(position));
        });
      } else if (response.kind === "resultsCanceled") {
        for (const id of response.ids) progressOf(id)?.open.delete(id);
      } else if (response.kind === "taskFailed" || response.kind === "error") {
        const progress = progressOf(response.error.id ?? 0);
        progress?.open.clear();
        if (progress !== undefined && response.error.planRefused) progress.isRefused = true;
      } else if (response.kind === "data" && payload !== undefined) {
        fetching.delete(response.id);
        onFetched(response.id, payload);
      }
      goOn();
    },
    releaseUnfinished: (share) => {
      if (hasLeft) return;
      const later = neededLater();
      for (const { open } of submitted) {
        for (const id of [...open]) {
          if (later.has(id) || random.unit() >= share) continue;
          open.delete(id);
          release(id);
        }
      }
      goOn();
    },
    cancelUnfinished: (share, isWholePlan) => {
      if (hasLeft) return;
      const later = lineageOfLater();
      for (const { plan, open } of submitted) {
        const isNeeded = plan.tasks.some((_, i) => later.has(plan.idBase + i));
        if (isWholePlan && isNeeded) continue;
        const chosen = [...open].filter((id) => !later.has(id) && random.unit() < share);
        if (chosen.length === 0) continue;
        const writer = new ByteWriter();
        const ids = Int32Array.from(chosen);
        encodeSmallRequest(writer, { kind: "cancel", ids, query: "", isWholePlan });
        link.send(writer.take());
      }
    },
    leave: () => {
      if (hasLeft) return;
      hasLeft = true;
      link.end();
    },
    hasLeft: () => hasLeft,
    isDone: () => hasLeft || hasReleasedAll,
    describe: () => {
      const open = submitted.flatMap((progress) => [...progress.open]);
      return (
        `client ${clientId}: ${submitted.length} of ${workload.length} plans submitted, ` +
        `${open.length} results open (${open.slice(0, 8).join(", ")}), ${fetching.size} fetches`
      );
    },
  };
}
