import { unreachable } from "../../core/base/assert.ts";
import type { SchedulerCommand } from "../../core/scheduler/commands.ts";
import type { SchedulerEvent } from "../../core/scheduler/events.ts";
import type { SchedulerState } from "../../core/scheduler/state.ts";
import { hasWork, stepScheduler } from "../../core/scheduler/step.ts";
import type { WorkerEvent } from "../../core/worker/events.ts";
import type { VirtualClock } from "../clock.ts";
import type { ServerCosts } from "./makespan-options.ts";

/** The scheduler's brain, which takes as long for each event as `costs` say. */
export type PlainServer = {
  /** Takes the event in turn. */
  receive(event: SchedulerEvent): void;
  /** Results that were told finished. */
  readonly finishedCount: number;
  /** Time that the server was busy. */
  readonly busyUs: number;
  readonly messages: number;
};

export function createPlainServer(
  clock: VirtualClock,
  state: SchedulerState,
  costs: ServerCosts | undefined,
  tell: (workerId: number, event: WorkerEvent) => void,
): PlainServer {
  let freeAtUs = 0;
  let busyUs = 0;
  let finishedCount = 0;
  let messages = 0;

  const carryOut = (command: SchedulerCommand): void => {
    const atMs = clock.nowMs();
    switch (command.kind) {
      case "assign":
        tell(command.workerId, { kind: "tasks-assigned", atMs, batch: command.batch });
        break;
      case "retract":
        tell(command.workerId, { kind: "tasks-retracted", atMs, refs: command.refs });
        break;
      // Of what was given ahead.
      case "cancel":
      case "cancel-gracefully":
        tell(command.workerId, { kind: "tasks-canceled", atMs, refs: command.refs });
        break;
      case "drop":
        tell(command.workerId, { kind: "objects-dropped", atMs, refs: command.refs });
        break;
      case "notify-finished":
        finishedCount += command.clientTasks.length;
        break;
      case "notify-notice":
        break;
      case "record":
      case "replicate":
      case "dismiss":
      case "note-drain":
      case "refuse":
      case "notify-canceled":
      case "notify-failed":
        throw new Error(`the scheduler says: ${JSON.stringify(command)}`);
      case "deliver-held":
      case "deliver":
      case "notify-accepted":
      case "attached":
      case "end-client":
        throw new Error(`nothing here calls for '${command.kind}'`);
      default:
        unreachable(command);
    }
  };

  const step = (event: SchedulerEvent): number => {
    const commands = stepScheduler(state, { ...event, atMs: clock.nowMs() });
    for (const command of commands) carryOut(command);
    return commands.length;
  };

  const handle = (event: SchedulerEvent): number => {
    let sent = step(event);
    // The real server does the rest of a large plan in turn with other events; here that takes no time.
    while (hasWork(state)) sent += step({ kind: "work-continued", atMs: clock.nowMs() });
    messages += 1 + sent;
    return sent;
  };

  return {
    receive: (event) => {
      if (costs === undefined) {
        handle(event);
        return;
      }
      // What one event takes is known before its commands are: they go out when it is over.
      const tasks = event.kind === "tasks-finished" ? event.finished.tasks.length : 0;
      const costUs = costs.messageUs + costs.taskUs * tasks;
      freeAtUs = Math.max(freeAtUs, clock.nowUs()) + costUs;
      busyUs += costUs;
      clock.schedule(freeAtUs - clock.nowUs(), () => {
        const sentUs = handle(event) * costs.messageUs;
        freeAtUs += sentUs;
        busyUs += sentUs;
      });
    },
    get finishedCount() {
      return finishedCount;
    },
    get busyUs() {
      return busyUs;
    },
    get messages() {
      return messages;
    },
  };
}
