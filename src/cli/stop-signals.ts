import { CliError } from "./cli-error.ts";
import { EXIT_BY_SIGNAL, type StopSignal } from "./exit-codes.ts";

const STOP_SIGNALS: readonly StopSignal[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** Asks to stop: Ctrl-C, SIGTERM, or the end of the terminal. */
export type StopWatch = {
  /** Aborted by the first stop signal; its reason then ends a command with the status of the signal. */
  readonly signal: AbortSignal;
  /** The exit status that stands for the stop signal received; undefined before there is one. */
  exitCode(): number | undefined;
  /** Aborted by a signal that comes after SIGTERM, where that is given time. */
  readonly again: AbortSignal;
  /** As if a stop signal without an exit status of its own had come. */
  stop(): void;
};

/**
 * Watches for stop signals from now on. The second one ends the process at once, for a person who
 * does not want to wait; with `givesTime`, the second one after SIGTERM aborts `again`, and the third
 * one ends the process.
 */
export function watchStopSignals({
  givesTime = false,
}: {
  readonly givesTime?: boolean;
} = {}): StopWatch {
  const controller = new AbortController();
  const again = new AbortController();
  let received: StopSignal | undefined;
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      if (received !== undefined) {
        if (!givesTime || received !== "SIGTERM" || again.signal.aborted) {
          process.exit(EXIT_BY_SIGNAL[name]);
        }
        again.abort();
        return;
      }
      received = name;
      controller.abort(new CliError(EXIT_BY_SIGNAL[name], `stopped by ${name}`));
    });
  }
  return {
    signal: controller.signal,
    again: again.signal,
    exitCode: () => (received === undefined ? undefined : EXIT_BY_SIGNAL[received]),
    stop: () => controller.abort(),
  };
}

/** Fulfilled once the signal is aborted; at once if it is already. Keeps the process alive until then. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const keepAlive = setInterval(() => undefined, 2 ** 30);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      clearInterval(keepAlive);
      resolve();
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
