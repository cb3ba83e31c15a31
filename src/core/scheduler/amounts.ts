import type { ResourceOffer } from "../model/resources.ts";
import { BUILTIN_SYMBOLS, CPUS, RESOURCE_PREFIX } from "../model/symbols.ts";
import type { RequestClass, SchedulerState } from "./state.ts";

/** Amounts by the short names of their resources; a task type that a worker must have loaded counts as one. */
export function namedAmounts(
  state: SchedulerState,
  amounts: ResourceOffer,
): Record<string, number> {
  const named: Record<string, number> = {};
  for (const { resource, amount } of amounts) {
    const name = resource === CPUS ? "cpus" : state.options.symbolName(resource);
    named[name.startsWith(RESOURCE_PREFIX) ? name.slice(RESOURCE_PREFIX.length) : name] = amount;
  }
  return named;
}

/** `cpus=64, gpus=1, task type my/count`; `nothing` for no amounts. */
export function describeAmounts(state: SchedulerState, amounts: ResourceOffer): string {
  if (amounts.length === 0) return "nothing";
  return amounts
    .map(({ resource, amount }) => {
      if (resource === CPUS) return `cpus=${amount}`;
      const name = state.options.symbolName(resource);
      return resource >= BUILTIN_SYMBOLS.length && !name.startsWith(RESOURCE_PREFIX)
        ? `task type ${name}`
        : `${name.slice(name.lastIndexOf("/") + 1)}=${amount}`;
    })
    .join(", ");
}

/** "The task asks for cpus=64, which no worker offers; the largest worker has cpus=8" */
export function describeUnsatisfiable(state: SchedulerState, requestClass: RequestClass): string {
  const { request } = requestClass;
  const largest = describeAmounts(state, largestOffer(state, request));
  return `The task asks for ${describeAmounts(state, request)}, which no worker offers; the largest worker has ${largest}`;
}

/** What the worker that comes closest to the request has. */
function largestOffer(state: SchedulerState, request: ResourceOffer): ResourceOffer {
  let largest: ResourceOffer = [];
  let largestShare = -1;
  for (const kind of state.kinds.values()) {
    const share = request.reduce((sum, { resource, amount }) => {
      const offered = kind.offer.find((other) => other.resource === resource)?.amount ?? 0;
      return sum + Math.min(1, offered / amount);
    }, 0);
    if (share > largestShare) {
      largest = kind.offer;
      largestShare = share;
    }
  }
  return largest;
}
