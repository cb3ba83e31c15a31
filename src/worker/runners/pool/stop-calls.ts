import type { Runner } from "../runner.ts";

/** A runner that does not give calls back in this time is in code that lets nothing else run. */
const TAKE_BACK_MS = 50;

/** Why a runner is ended with a call that is not wanted any more. */
export const STOPPED = "a task that it ran was stopped";

/**
 * Ends the killed calls that the runner has: those that have not begun are taken back, for the one
 * that runs the runner is ended.
 * @param abortMs how long before that its function is told
 */
export function stopKilledCalls(runner: Runner, abortMs: number): void {
  if (!runner.hasKilled()) return;
  const isRunning = runner.findRunning()?.isKilled === true;
  if (isRunning && abortMs === 0) {
    runner.kill(STOPPED);
    return;
  }
  if (isRunning) runner.abortRunning();
  else runner.takeBack();
  const killLater = (): void => {
    if (runner.hasKilled()) runner.kill(STOPPED);
  };
  setTimeout(killLater, isRunning ? abortMs : TAKE_BACK_MS);
}
