/** What a runner is started with; `messages.ts` says what each is. */
export const FRAMES_FD = 3;
export const LIFE_FD = 4;
export const BEGUN_FD = 5;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Reads or writes until it could. The socket blocks, unless somebody who was given it made it not to.
 * The process ends where the worker is gone: nobody waits for anything then.
 */
export function retried(work: () => number): number {
  for (;;) {
    try {
      return work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE" || code === "ECONNRESET") process.kill(process.pid, "SIGKILL");
      if (code !== "EAGAIN" && code !== "EINTR") throw error;
      if (code === "EAGAIN") Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}
