import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * Bytes of buffers that nobody uses any more and that the engine has not given back. It has no hurry
 * with them: to it, they are a few small objects.
 */
export function garbageBytes(usedBytes: number): number {
  return process.memoryUsage().arrayBuffers - usedBytes;
}

/** Gives them back now. Takes some 10 ms: the worker's own heap is small. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
