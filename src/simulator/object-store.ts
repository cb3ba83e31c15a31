import { objectKey } from "./object-key.ts";
import type { SimulatedMemory } from "./simulated-memory.ts";
import type { SimulatedValue } from "./values.ts";
import type { World } from "./world.ts";

/** The data objects that one worker holds. */
export type ObjectStore = {
  /** False where there is no room for it. */
  put(task: number, attempt: number, value: SimulatedValue): boolean;
  find(task: number, attempt: number): SimulatedValue | undefined;
  discard(task: number, attempt: number): void;
  keys(): string[];
};

export function createObjectStore(
  world: World,
  workerId: number,
  memory: SimulatedMemory | undefined,
): ObjectStore {
  const objects = new Map<string, SimulatedValue>();
  return {
    put: (task, attempt, value) => {
      if (world.conditions.fullWorkers.has(workerId)) {
        world.observe({ kind: "disk-full", workerId });
        return false;
      }
      objects.set(objectKey(task, attempt), world.sabotage.store?.(value, workerId) ?? value);
      memory?.put(objectKey(task, attempt), value.sizeBytes);
      world.observe({ kind: "object-stored", workerId, task, attempt });
      return true;
    },
    find: (task, attempt) => objects.get(objectKey(task, attempt)),
    discard: (task, attempt) => {
      if (!objects.delete(objectKey(task, attempt))) return;
      memory?.drop(objectKey(task, attempt));
      world.observe({ kind: "object-discarded", workerId, task, attempt });
    },
    keys: () => [...objects.keys()],
  };
}
