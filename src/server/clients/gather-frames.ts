import { FORMAT_CLIENT_FRAMES } from "../../protocol/peer/messages.ts";
import type { Engine } from "../engine.ts";
import type { Deliver, FramesHeader } from "./delivery.ts";
import { pullerOf } from "./pullers.ts";

/** A whole object as client frames. */
export type GatheredFrames = {
  readonly header: FramesHeader;
  readonly frames: readonly Uint8Array[];
};

/** Brings in a small object whole, from the first holder that gives it; undefined if none does. */
export async function gatherFrames(
  engine: Engine,
  { task, attempt, holders }: Deliver,
  signal: AbortSignal,
): Promise<GatheredFrames | undefined> {
  for (const workerId of holders) {
    if (signal.aborted) return undefined;
    const frames = await gatherFrom(engine, workerId, task, attempt);
    if (frames === "missing") reportMissing(engine, workerId, task, attempt);
    else if (frames !== undefined) return frames;
  }
  return undefined;
}

/** The holder says that it does not have what it was thought to have. */
export function reportMissing(
  engine: Engine,
  workerId: number,
  task: number,
  attempt: number,
): void {
  const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
  engine.step({ kind: "replicas-missing", workerId, refs });
}

function gatherFrom(
  engine: Engine,
  workerId: number,
  task: number,
  attempt: number,
): Promise<GatheredFrames | "missing" | undefined> {
  const puller = pullerOf(engine, workerId);
  if (puller === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let header: FramesHeader | undefined;
    const frames: Uint8Array[] = [];
    puller.request(
      { task, attempt, format: FORMAT_CLIENT_FRAMES },
      {
        onHeader: (answer) => {
          header = answer;
        },
        onPayload: (bytes) => {
          frames.push(bytes.slice());
          return undefined;
        },
        onEnd: () => resolve(header === undefined ? undefined : { header, frames }),
        onMissing: () => resolve("missing"),
        onFailed: (reason) => {
          engine.log("warning", "result could not be had from its worker", {
            task,
            worker: workerId,
            reason,
          });
          resolve(undefined);
        },
      },
    );
  });
}
