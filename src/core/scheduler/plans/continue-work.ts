import type { StepContext } from "../context.ts";
import { handleClientEvent } from "../handlers/client-events.ts";
import type { ClientRecord } from "../state.ts";
import { takeUnwanted } from "../wants.ts";
import { advanceEnding } from "./endings.ts";
import { advanceIntake } from "./intake.ts";

/**
 * Does what is to be done in parts, until it is done or the step has done enough. What goes comes
 * first, since it makes room.
 */
export function continueWork(context: StepContext): void {
  const { work } = context.state;
  while (context.budget > 0) {
    const ending = work.endings.at(-1);
    const intake = work.intakes[0];
    if (work.unwanted.length > 0) takeUnwanted(context, 0);
    else if (ending !== undefined) {
      if (advanceEnding(context, ending)) work.endings.pop();
    } else if (intake !== undefined) {
      work.intakes.shift();
      if (advanceIntake(context, intake)) takeWaiting(context, intake.client);
      else work.intakes.push(intake);
    } else return;
  }
}

/** What the client sent while it was being served, in its order. */
function takeWaiting(context: StepContext, client: ClientRecord): void {
  let taken = 0;
  while (!client.isTaking && taken < client.waiting.length) {
    const event = client.waiting[taken];
    taken += 1;
    if (event !== undefined) handleClientEvent(context, event);
  }
  client.waiting.splice(0, taken);
}
