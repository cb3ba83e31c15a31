import { type HeldObjects, type HeldTasks, joinHeldObjects } from "../../core/model/batches.ts";
import type { FromWorker } from "../../protocol/worker/messages.ts";
import type { Engine } from "../engine.ts";

export type Inventory = Extract<FromWorker, { kind: "inventory" }>;

/** What a worker that is back holds and has, of the parts in which it came; the tasks are in the first. */
export function joinInventory(parts: readonly Inventory[]): {
  readonly objects: HeldObjects;
  readonly tasks: HeldTasks;
} {
  const [first] = parts;
  if (first === undefined) throw new RangeError("an inventory has a part");
  const objects =
    parts.length === 1 ? first.objects : joinHeldObjects(parts.map((part) => part.objects));
  return { objects, tasks: first.tasks };
}

/** Of so many workers that are gone it is remembered what came from them. */
const REMEMBERED_MAX = 10_000;

const lastFrames = new WeakMap<Engine, Map<number, number>>();

/** Remembers how many frames came on a worker's connection, for when it is back. */
export function noteLastFrames(engine: Engine, workerId: number, frames: number): void {
  const known = lastFrames.get(engine) ?? new Map<number, number>();
  lastFrames.set(engine, known);
  known.delete(workerId);
  known.set(workerId, frames);
  if (known.size <= REMEMBERED_MAX) return;
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

/** The number that was remembered of the worker's last connection here; 0 for none. */
export function takeLastFrames(engine: Engine, workerId: number): number {
  const frames = lastFrames.get(engine)?.get(workerId) ?? 0;
  lastFrames.get(engine)?.delete(workerId);
  return frames;
}
