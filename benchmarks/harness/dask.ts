import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./paths.ts";

const VENV = join(ROOT, ".setup/dask");

const hasDask = (python: string): boolean =>
  spawnSync(python, ["-c", "import distributed"], { stdio: "ignore" }).status === 0;

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}

/**
 * An interpreter that has Dask: HYPERLOOM_DASK_PYTHON, that of the system where Debian's
 * python3-distributed is installed, or one of a virtual environment that is made for it.
 */
export function findDask(): string {
  const own = join(VENV, "bin/python");
  const named = process.env["HYPERLOOM_DASK_PYTHON"];
  const found = [...(named === undefined ? [] : [named]), own, "/usr/bin/python3"].find(hasDask);
  if (found !== undefined) return found;
  run("python3", "-m", "venv", VENV);
  run(own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "distributed");
  return own;
}
