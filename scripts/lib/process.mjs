import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The checkout's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Tells the person at the terminal what is being done, one short line each. */
export function say(text) {
  process.stdout.write(`[hyperloom] ${text}\n`);
}

/**
 * Runs a program in the checkout's root with our standard output and error.
 * @returns its exit status; 1 where a signal ended it or it could not be started
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: "inherit", ...options });
    child.on("error", (error) => {
      say(`${command} could not be started: ${error.message}`);
      resolve(1);
    });
    child.on("close", (status) => resolve(status ?? 1));
  });
}

/** Runs a program that must succeed; its output is shown only when it fails. */
export function runQuietly(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  throw new Error(`${[command, ...args].join(" ")} failed${error ? `: ${error.message}` : ""}`);
}

/** Whether a program can be run and exits 0. */
export function succeeds(command, args) {
  return spawnSync(command, args, { cwd: ROOT, stdio: "ignore" }).status === 0;
}

/** What a program writes to its standard output, trimmed; undefined where it fails. */
export function output(command, args) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
