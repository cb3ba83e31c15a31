import { assert } from "../../base/assert.ts";
import type { Request } from "./request-table.ts";

/** Expected time of the tasks in a lane; more would keep others waiting for its resources. */
export const LANE_US_MAX = 30_000;
const LANE_TASKS_MAX = 512;

/**
 * Function tasks that hold one set of resources together, and run one after another. They are given
 * to the shell at once, so that small ones cost no way to and fro.
 */
export type Lane = {
  /** From 1 up, never used again. */
  readonly id: number;
  readonly request: Request;
  /** The task type of all its tasks: a runner speaks one language. */
  readonly taskType: number;
  readonly firstCpu: number;
  /** Tasks that have not ended. */
  taskCount: number;
  expectedUs: number;
  /** It gets no more tasks: nobody knows how long those in it take. */
  isClosed: boolean;
};

export class LaneTable {
  readonly #lanes = new Map<number, Lane>();
  readonly #ofRequest = new Map<Request, Set<Lane>>();
  #lastId = 0;

  get size(): number {
    return this.#lanes.size;
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  get(id: number): Lane {
    const lane = this.#lanes.get(id);
    assert(lane !== undefined, "the lane of a task is there");
    return lane;
  }

  create(request: Request, taskType: number, firstCpu: number): Lane {
    this.#lastId += 1;
    const lane: Lane = {
      id: this.#lastId,
      request,
      taskType,
      firstCpu,
      taskCount: 0,
      expectedUs: 0,
      isClosed: false,
    };
    this.#lanes.set(lane.id, lane);
    const lanes = this.#ofRequest.get(request);
    if (lanes === undefined) this.#ofRequest.set(request, new Set([lane]));
    else lanes.add(lane);
    return lane;
  }

  remove(lane: Lane): void {
    this.#lanes.delete(lane.id);
    const lanes = this.#ofRequest.get(lane.request);
    lanes?.delete(lane);
    if (lanes?.size === 0) this.#ofRequest.delete(lane.request);
  }

  countOf(request: Request): number {
    return this.#ofRequest.get(request)?.size ?? 0;
  }

  /**
   * The lane with the least to do that has room for such a task. A lane that is more than half full
   * has none: it is filled up with many tasks at a time, since each message to a runner, and each
   * that follows from its answer, may cost as much as a small task.
   */
  findRoom(request: Request, taskType: number, expectedUs: number | undefined): Lane | undefined {
    let found: Lane | undefined;
    for (const lane of this.#ofRequest.get(request) ?? []) {
      if (lane.taskType !== taskType || !hasRoom(lane, expectedUs) || isMostlyFull(lane)) continue;
      if (found === undefined || lane.expectedUs < found.expectedUs) found = lane;
    }
    return found;
  }
}

/** Whether a task that is expected to take so long, if that is known, may join the lane. */
export function hasRoom(lane: Lane, expectedUs: number | undefined): boolean {
  if (lane.taskCount === 0) return true;
  if (lane.isClosed || expectedUs === undefined || lane.taskCount >= LANE_TASKS_MAX) return false;
  return lane.expectedUs + expectedUs <= LANE_US_MAX;
}

function isMostlyFull({ taskCount, expectedUs }: Lane): boolean {
  return 2 * taskCount > LANE_TASKS_MAX || 2 * expectedUs > LANE_US_MAX;
}
