import { objectKey } from "../object-key.ts";
import { type Checker, check } from "./observation.ts";

type Execution = {
  readonly workerId: number;
  state: "running" | "ended" | "failed" | "stopped" | "killed" | "lost";
};

/** What is known of all executions of the same work. */
type Runs = { count: number; lastExecution: Execution; disturbancesBefore: number };

/**
 * No attempt is executed twice, and the same work is executed again only where a worker was lost, a
 * pull failed, a disk was full, a checkpoint was missing or the earlier execution was stopped since.
 */
export function createExecutionChecker(): Checker {
  const byAttempt = new Map<string, Execution>();
  const byWork = new Map<string, Runs>();
  /** Events that explain why something is computed again. */
  let disturbances = 0;
  /**
   * Workers whose connection broke: they go on with what they have, and what they execute others may
   * have executed since, also when they are back.
   */
  const detached = new Set<number>();

  const findRunning = (
    { task, attempt, workerId }: { task: number; attempt: number; workerId: number },
    state: "running" | "stopped" = "running",
  ): Execution => {
    const execution = byAttempt.get(objectKey(task, attempt));
    check(
      execution?.state === state && execution.workerId === workerId,
      () => `task ${task}, attempt ${attempt} ended on worker ${workerId}, where it did not run`,
    );
    return execution;
  };

  return {
    name: "executions",
    observe: (observation) => {
      switch (observation.kind) {
        case "execution-started": {
          const { workerId, task, attempt, work } = observation;
          const key = objectKey(task, attempt);
          check(!byAttempt.has(key), () => `task ${task}, attempt ${attempt} was executed twice`);
          const execution: Execution = { workerId, state: "running" };
          byAttempt.set(key, execution);
          const runs = byWork.get(work);
          check(
            runs === undefined ||
              detached.has(workerId) ||
              runs.lastExecution.state === "failed" ||
              runs.lastExecution.state === "stopped" ||
              runs.lastExecution.state === "killed" ||
              runs.disturbancesBefore < disturbances,
            () => `task ${task} was executed again as attempt ${attempt}, and nothing explains it`,
          );
          byWork.set(work, {
            count: (runs?.count ?? 0) + 1,
            lastExecution: execution,
            // What such a worker executes is done again by another one.
            disturbancesBefore: detached.has(workerId) ? -1 : disturbances,
          });
          break;
        }
        case "execution-ended":
          findRunning(observation).state = observation.mayTryAgain ? "failed" : "ended";
          break;
        case "execution-stopped":
          findRunning(observation).state = "stopped";
          break;
        case "execution-killed":
          findRunning(observation, "stopped").state = "killed";
          break;
        case "worker-lost":
          for (const execution of byAttempt.values()) {
            if (execution.workerId !== observation.workerId) continue;
            if (execution.state === "running" || execution.state === "stopped") {
              execution.state = "lost";
            }
          }
          disturbances += 1;
          break;
        case "worker-left":
          for (const execution of byAttempt.values()) {
            if (execution.workerId !== observation.workerId) continue;
            check(execution.state !== "running", () => "a worker was drained that still executes");
            if (execution.state === "stopped") execution.state = "lost";
          }
          break;
        case "worker-back":
          disturbances += 1;
          break;
        case "connection-lost":
          detached.add(observation.workerId);
          disturbances += 1;
          break;
        // A plan that was not safe comes once more, as new tasks.
        case "server-died":
        case "pull-failed":
        // What cannot be stored where it is needed is made again elsewhere.
        case "disk-full":
        case "checkpoint-missing":
          disturbances += 1;
          break;
        default:
          break;
      }
    },
    finish: () => {
      for (const [key, execution] of byAttempt) {
        const { state } = execution;
        check(state !== "running" && state !== "stopped", () => `execution ${key} never ended`);
      }
    },
  };
}
