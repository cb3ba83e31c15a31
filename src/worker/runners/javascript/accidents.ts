import { inspect } from "node:util";
import type { Caller } from "./caller.ts";
import { describeError, withoutOwnFrames } from "./describe-error.ts";
import type { Outbox } from "./outbox.ts";

/** What the process ends with when it cannot be trusted to go on. */
const EXIT_STATUS = 1;

/**
 * Tells of the call that runs what happens to it outside of its function: a timer that throws, a
 * rejection that nobody handles, `process.exit`, or a promise that nothing can settle any more.
 */
export function watchAccidents(caller: Caller, outbox: Outbox): void {
  const exit = process.exit.bind(process);

  /** User code goes on, who knows how, so this process makes no further calls. */
  const giveUp = (message: string): never => {
    if (!caller.failCurrent(message)) process.stderr.write(`${message}\n`);
    outbox.flush();
    return exit(EXIT_STATUS);
  };

  process.on("uncaughtException", (thrown) => {
    giveUp(`Uncaught exception outside of the function's own calls: ${describeError(thrown)}`);
  });
  process.on("unhandledRejection", (thrown) => {
    giveUp(`A promise was rejected and nobody handled that: ${describeError(thrown)}`);
  });
  process.exit = (code) => {
    const said = code === undefined ? "" : inspect(code);
    const { stack = "" } = new Error(
      `process.exit(${said}) was called; a function must return or throw`,
    );
    return giveUp(withoutOwnFrames(stack));
  };
  process.on("beforeExit", () => {
    caller.failCurrent(
      "The function awaits a promise that nothing can settle any more: no timer and no I/O is left.",
    );
    // Whatever the next call awaits, this is asked again.
    setImmediate(() => {});
  });
}
