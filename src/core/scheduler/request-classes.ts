import type { ResourceRequest } from "../model/resources.ts";
import { canSatisfy, keyOf, normalized } from "./placement/worker-kinds.ts";
import type { RequestClass, SchedulerState } from "./state.ts";

/** The class of a request, made when it is new. */
export function classOfRequest(state: SchedulerState, request: ResourceRequest): RequestClass {
  const amounts = normalized([...request]);
  const key = keyOf(amounts);
  const known = state.classByKey.get(key);
  if (known !== undefined) return known;
  const requestClass: RequestClass = {
    id: state.classes.length,
    request: amounts,
    pool: state.queues.createQueue(),
    capableKinds: new Set(),
    backlogged: new Set(),
  };
  for (const kind of state.kinds.values()) {
    if (canSatisfy(kind, amounts)) requestClass.capableKinds.add(kind);
  }
  state.classes.push(requestClass);
  state.classByKey.set(key, requestClass);
  return requestClass;
}
