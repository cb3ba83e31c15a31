import { unreachable } from "../../base/assert.ts";
import type { StepContext } from "../context.ts";
import { type ClientEvent, clientOf } from "../plans/clients.ts";
import { onTasksCanceled } from "./cancels.ts";
import { onClientAttached } from "./clients.ts";
import {
  onPlanBegun,
  onPlanCompleted,
  onPlanExtended,
  onPlanRefused,
  onPlanSubmitted,
} from "./plans.ts";
import { onResultRequested, onResultsReleased } from "./results.ts";

/** Takes what a client asks for now, or once all that it asked for before is done. */
export function onClientEvent(context: StepContext, event: ClientEvent): void {
  const client = clientOf(context.state, event.clientId);
  if (client.isTaking) client.waiting.push(event);
  else handleClientEvent(context, event);
}

export function handleClientEvent(context: StepContext, event: ClientEvent): void {
  switch (event.kind) {
    case "plan-submitted":
      onPlanSubmitted(context, event);
      break;
    case "plan-begun":
      onPlanBegun(context, event);
      break;
    case "plan-extended":
      onPlanExtended(context, event);
      break;
    case "plan-refused":
      onPlanRefused(context, event);
      break;
    case "plan-completed":
      onPlanCompleted(context, event);
      break;
    case "results-released":
      onResultsReleased(context, event);
      break;
    case "tasks-canceled":
      onTasksCanceled(context, event);
      break;
    case "result-requested":
      onResultRequested(context, event);
      break;
    case "client-attached":
      onClientAttached(context, event);
      break;
    default:
      unreachable(event);
  }
}
