import { assert } from "../../base/assert.ts";
import type { PriorityQueues } from "../../base/priority-queues.ts";
import type { AssignedTasks } from "../../model/batches.ts";
import type { ResourceRequest } from "../../model/resources.ts";
import { type Demand, FUNCTION_SLOTS, PROGRAM_SLOTS, type Resources } from "./resources.ts";

/** A distinct vector of resources that some task here asks for, whatever batches it came in. */
export type Request = Demand & {
  readonly id: number;
  /** Its runnable tasks. */
  readonly queue: number;
  /** Why the worker can never run such a task; undefined if it can. */
  readonly refusal: string | undefined;
  readonly key: string;
  users: number;
  /** Of the first task in the queue, noted while a step decides what to start. */
  headPriority: number;
  headSequence: number;
};

/** The distinct requests, each with a queue of its own, kept while one of its tasks is. */
export class RequestTable {
  readonly #queues: PriorityQueues;
  readonly #resources: Resources;
  readonly #byKey = new Map<string, Request>();
  readonly #byId: (Request | undefined)[] = [];
  readonly #freeIds: number[] = [];

  constructor(queues: PriorityQueues, resources: Resources) {
    this.#queues = queues;
    this.#resources = resources;
  }

  get(id: number): Request {
    const request = this.#byId[id];
    assert(request !== undefined, "the request of a task is there");
    return request;
  }

  all(): Iterable<Request> {
    return this.#byKey.values();
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** The request in row `row` of the batch's table, with one user more; `release` ends that. */
  useRow(batch: AssignedTasks, row: number): Request {
    const pairs: [number, number][] = [];
    const end = batch.requestStarts[row + 1] ?? 0;
    for (let k = batch.requestStarts[row] ?? 0; k < end; k++) {
      pairs.push([batch.requestResources[k] as number, batch.requestAmounts[k] as number]);
    }
    return this.#use(pairs);
  }

  /** What a program runs on that asks for nothing; as `useRow`. */
  useProgramSlot(): Request {
    return this.#use([[PROGRAM_SLOTS, 1]]);
  }

  /** What a function call runs on that asks for nothing; as `useRow`. */
  useFunctionSlot(): Request {
    return this.#use([[FUNCTION_SLOTS, 1]]);
  }

  /** As `useRow`; one for nothing is for a program. */
  useAmounts(request: ResourceRequest): Request {
    if (request.length === 0) return this.useProgramSlot();
    return this.#use(request.map(({ resource, amount }) => [resource, amount]));
  }

  release(request: Request): void {
    request.users -= 1;
    if (request.users > 0) return;
    this.#queues.destroyQueue(request.queue);
    this.#byKey.delete(request.key);
    this.#byId[request.id] = undefined;
    this.#freeIds.push(request.id);
  }

  #use(pairs: [number, number][]): Request {
    pairs.sort(([a], [b]) => a - b);
    const key = pairs.join(";");
    let request = this.#byKey.get(key);
    if (request === undefined) {
      request = {
        id: this.#freeIds.pop() ?? this.#byId.length,
        queue: this.#queues.createQueue(),
        key,
        slots: pairs.map(([resource]) => this.#resources.slotOf(resource)),
        amounts: pairs.map(([, amount]) => amount),
        refusal: refusalOf(pairs, this.#resources),
        users: 0,
        headPriority: 0,
        headSequence: 0,
      };
      this.#byKey.set(key, request);
      this.#byId[request.id] = request;
    }
    request.users += 1;
    return request;
  }
}

function refusalOf(pairs: readonly [number, number][], resources: Resources): string | undefined {
  for (const [resource, amount] of pairs) {
    const offered = resources.offered[resources.slotOf(resource)] ?? 0;
    if (amount > offered) {
      return `The task asks for ${amount} of resource ${resource}, but this worker has ${offered}`;
    }
  }
  return undefined;
}
