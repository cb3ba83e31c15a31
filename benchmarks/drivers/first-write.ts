import { Socket } from "node:net";

/**
 * Resolves to the time, as of `performance.now`, at which the next bytes are written to any socket
 * of this process: the first byte of a plan, once it is encoded.
 */
export function watchFirstWrite(): { readonly atMs: () => number } {
  const original = Socket.prototype.write;
  let atMs = Number.NaN;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    atMs = performance.now();
    Socket.prototype.write = original;
    return Reflect.apply(original, this, args) as boolean;
  } as typeof original;
  return {
    atMs() {
      Socket.prototype.write = original;
      return atMs;
    },
  };
}
