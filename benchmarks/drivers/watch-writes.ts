import { Socket } from "node:net";

export type WriteWatch = {
  /** When the first bytes were written, as of `performance.now`; NaN if none were. */
  readonly firstAtMs: () => number;
  readonly bytes: () => number;
  stop(): void;
};

/** Watches what this process writes to sockets from now on: when it begins, and how much it is. */
export function watchWrites(): WriteWatch {
  const original = Socket.prototype.write;
  let firstAtMs = Number.NaN;
  let bytes = 0;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    if (bytes === 0) firstAtMs = performance.now();
    bytes += (args[0] as Uint8Array | string).length;
    return Reflect.apply(original, this, args) as boolean;
  } as typeof original;
  return {
    firstAtMs: () => firstAtMs,
    bytes: () => bytes,
    stop() {
      Socket.prototype.write = original;
    },
  };
}
