import { objectKey } from "../object-key.ts";
import { type Checker, CheckFailed, check } from "./observation.ts";

/** Tasks run where their inputs are, and workers serve only what they hold. */
export function createObjectChecker(): Checker {
  const held = new Map<number, Set<string>>();
  return {
    name: "objects",
    observe: (observation) => {
      switch (observation.kind) {
        case "worker-joined":
          held.set(observation.workerId, new Set());
          break;
        case "worker-lost":
        case "worker-left":
          held.delete(observation.workerId);
          break;
        case "object-stored": {
          const { workerId, task, attempt } = observation;
          const objects = held.get(workerId);
          check(objects !== undefined, () => `worker ${workerId} stores, and is not there`);
          objects.add(objectKey(task, attempt));
          break;
        }
        case "object-discarded":
          held.get(observation.workerId)?.delete(objectKey(observation.task, observation.attempt));
          break;
        case "object-served": {
          const { workerId, task, attempt, peer } = observation;
          check(
            held.get(workerId)?.has(objectKey(task, attempt)) === true,
            () =>
              `worker ${workerId} served object ${objectKey(task, attempt)}, which it does not ` +
              `hold, to ${peer}`,
          );
          break;
        }
        case "input-missing": {
          const { workerId, task, input } = observation;
          throw new CheckFailed(`worker ${workerId} executes task ${task} without input ${input}`);
        }
        default:
          break;
      }
    },
    finish: () => {},
  };
}
