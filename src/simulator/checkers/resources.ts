import type { ResourceAmount, ResourceRequest } from "../../core/model/resources.ts";
import { objectKey } from "../object-key.ts";
import { type Checker, check } from "./observation.ts";

type Usage = {
  readonly offered: ReadonlyMap<number, number>;
  readonly used: Map<number, number>;
  readonly requests: Map<string, ResourceRequest>;
};

/** The tasks that run on a worker at one time never need more than it offered. */
export function createResourceChecker(): Checker {
  const workers = new Map<number, Usage>();

  const change = (usage: Usage, request: ResourceRequest, sign: 1 | -1): void => {
    for (const { resource, amount } of request) {
      usage.used.set(resource, (usage.used.get(resource) ?? 0) + sign * amount);
    }
  };
  const isWithin = (usage: Usage, { resource }: ResourceAmount): boolean =>
    (usage.used.get(resource) ?? 0) <= (usage.offered.get(resource) ?? 0);

  return {
    name: "resources",
    observe: (observation) => {
      switch (observation.kind) {
        case "worker-joined":
          workers.set(observation.workerId, {
            offered: new Map(observation.offer.map(({ resource, amount }) => [resource, amount])),
            used: new Map(),
            requests: new Map(),
          });
          break;
        case "worker-lost":
        case "worker-left":
          workers.delete(observation.workerId);
          break;
        case "execution-started": {
          const { workerId, task, attempt, request } = observation;
          const usage = workers.get(workerId);
          check(usage !== undefined, () => `worker ${workerId} executes and never joined`);
          usage.requests.set(objectKey(task, attempt), request);
          change(usage, request, 1);
          const excess = request.find((amount) => !isWithin(usage, amount));
          check(
            excess === undefined,
            () =>
              `worker ${workerId} runs more than it offers of resource ${excess?.resource} ` +
              `with task ${task}`,
          );
          break;
        }
        case "execution-ended":
        case "execution-killed": {
          const usage = workers.get(observation.workerId);
          const key = objectKey(observation.task, observation.attempt);
          const request = usage?.requests.get(key);
          if (usage === undefined || request === undefined) break;
          usage.requests.delete(key);
          change(usage, request, -1);
          break;
        }
        default:
          break;
      }
    },
    finish: () => {
      for (const [workerId, usage] of workers) {
        check(usage.requests.size === 0, () => `worker ${workerId} still has resources in use`);
      }
    },
  };
}
