import type { Plan } from "../core/model/plan.ts";
import { TASK_TYPE } from "../core/model/symbols.ts";
import {
  findVersion,
  type NamedVersion,
  PYTHON_VERSION,
  type WorkerPython,
} from "../core/model/versions.ts";
import { findMisfit } from "../core/scheduler/python-fit.ts";
import type { Engine } from "./engine.ts";

/** Workers that answer at nearly the same time are named in one message. */
const GATHER_MS = 250;
/** So many workers are named. */
const NAMES_MAX = 4;

/**
 * Tells clients that call Python functions which workers cannot run theirs, and why, when their
 * first plan with such calls comes: before programs have run for hours that the calls wait for.
 * Workers are asked for their Python once it may matter, since finding it starts a process.
 */
export type PythonAdvice = {
  onClientJoined(clientId: number, versions: readonly NamedVersion[]): void;
  onClientLeft(clientId: number): void;
  /** Before anything of the plan runs. */
  onPlan(clientId: number, plan: Plan): void;
  onWorkerJoined(workerId: number): void;
  onWorkerLeft(workerId: number): void;
  onFound(workerId: number, python: WorkerPython): void;
};

type Caller = {
  readonly versions: readonly NamedVersion[];
  /** What it was told; each once. */
  readonly told: Set<string>;
  callsPython: boolean;
};

export function createPythonAdvice(
  engine: Pick<Engine, "clients" | "workers" | "log">,
): PythonAdvice {
  const callers = new Map<number, Caller>();
  /** Of the workers that have answered. */
  const pythons = new Map<number, WorkerPython>();
  const asked = new Set<number>();
  let isWanted = false;
  let timer: NodeJS.Timeout | undefined;

  const ask = (workerId: number): void => {
    if (asked.has(workerId)) return;
    asked.add(workerId);
    engine.workers.get(workerId)?.send({ kind: "find-python" });
  };

  /** Asks whoever was not asked; and, since it may have been mended, whoever had none. */
  const askAll = (): void => {
    isWanted = true;
    for (const workerId of engine.workers.keys()) {
      if (pythons.get(workerId)?.kind === "missing") pythons.delete(workerId);
      if (!pythons.has(workerId)) ask(workerId);
    }
  };

  const tell = (clientId: number, caller: Caller): void => {
    const workersOf = new Map<string, number[]>();
    for (const [workerId, python] of pythons) {
      const misfit = findMisfit(caller.versions, python);
      if (misfit === undefined || caller.told.has(misfit)) continue;
      const workers = workersOf.get(misfit);
      if (workers === undefined) workersOf.set(misfit, [workerId]);
      else workers.push(workerId);
    }
    for (const [misfit, workers] of workersOf) {
      caller.told.add(misfit);
      const message = `${nameWorkers(engine, workers)}: ${misfit}`;
      engine.log("warning", "Python functions of a client do not fit", {
        client: clientId,
        reason: message,
      });
      engine.clients.get(clientId)?.tellNotice(undefined, message);
    }
  };

  const tellAll = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const [clientId, caller] of callers) if (caller.callsPython) tell(clientId, caller);
  };

  const tellSoon = (): void => {
    if (asked.size === 0) tellAll();
    else timer ??= setTimeout(tellAll, GATHER_MS).unref();
  };

  return {
    onClientJoined(clientId, versions) {
      callers.set(clientId, { versions, told: new Set(), callsPython: false });
      // It can be asked for before the first plan comes.
      if (!isWanted && findVersion(versions, PYTHON_VERSION) !== undefined) askAll();
    },
    onClientLeft: (clientId) => void callers.delete(clientId),
    onPlan(clientId, plan) {
      const caller = callers.get(clientId);
      if (caller === undefined || caller.callsPython) return;
      if (!plan.taskTypes.includes(TASK_TYPE.pyCall)) return;
      caller.callsPython = true;
      askAll();
      tell(clientId, caller);
    },
    onWorkerJoined: (workerId) => {
      if (isWanted) ask(workerId);
    },
    onWorkerLeft: (workerId) => {
      pythons.delete(workerId);
      if (asked.delete(workerId) && timer !== undefined) tellSoon();
    },
    onFound: (workerId, python) => {
      asked.delete(workerId);
      pythons.set(workerId, python);
      tellSoon();
    },
  };
}

function nameWorkers(engine: Pick<Engine, "workers">, workerIds: readonly number[]): string {
  const names = workerIds.map((id) => engine.workers.get(id)?.name ?? `worker ${id}`);
  if (names.length === 1) return `Worker ${names[0]}`;
  const others = names.length - NAMES_MAX;
  if (others <= 0) return `Workers ${names.join(", ")}`;
  return `Workers ${names.slice(0, NAMES_MAX).join(", ")} and ${others} more`;
}
