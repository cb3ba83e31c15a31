import type { SchedulerCommand } from "../../core/scheduler/commands.ts";

type CommandOf<Kind extends SchedulerCommand["kind"]> = Extract<SchedulerCommand, { kind: Kind }>;

/** Who is told what the scheduler says to a client: a session, or whoever is told of a named plan. */
export interface CommandTaker {
  tellFinished(command: CommandOf<"notify-finished">): void;
  tellCanceled(command: CommandOf<"notify-canceled">): void;
  tellFailed(command: CommandOf<"notify-failed">): void;
  tellAccepted(command: CommandOf<"notify-accepted">): void;
  tellAttached(command: CommandOf<"attached">): void;
  /** Something to know about one of its tasks, or in general. */
  tellNotice(clientTask: number | undefined, message: string): void;
  refuse(command: CommandOf<"refuse">): void;
  deliver(command: CommandOf<"deliver" | "deliver-held">): void;
  /** The scheduler has forgotten the client. */
  expire(): void;
  /** The server ends; where that is the end of its plans, for this reason. */
  end(farewell?: string): void;
}
