import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { SERVER_VARIABLE } from "../client/session/address.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { StopWatch } from "./stop-signals.ts";

/** How long a script may take to end after a stop signal. */
const GRACE_MS = 3_000;

/**
 * Runs a pipeline in a Node process of its own, with our terminal, until it ends. A stop signal
 * is passed on to it, and kills it if it does not end.
 * @param server where the script's `Client.connect()` goes
 * @returns the script's exit status, or that of the signal that ended it
 */
export function runScript(
  path: string,
  args: readonly string[],
  server: string,
  stop: StopWatch,
): Promise<number> {
  const loader = new URL("./script-loader.js", import.meta.url).href;
  const child = spawn(
    process.execPath,
    ["--enable-source-maps", "--import", loader, path, ...args],
    { stdio: "inherit", env: { ...process.env, [SERVER_VARIABLE]: server } },
  );
  stop.signal.addEventListener("abort", () => endChild(child), { once: true });
  if (stop.signal.aborted) endChild(child);
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => {
      const text = `The script could not be started: ${cause.message}`;
      reject(new CliError(EXIT.failure, text, { cause }));
    });
    child.on("exit", (code, signal) => {
      resolve(code ?? stop.exitCode() ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function endChild(child: ChildProcess): void {
  child.kill("SIGTERM");
  // Not for ever: a script may ignore the signal, and its cluster is waiting to be ended.
  setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
}
