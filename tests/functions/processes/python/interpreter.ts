import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../../../..");
const VENV_PYTHON = join(ROOT, ".venv/bin/python");

/** The Python of the tests: that of the set-up, or where it could not make one, the system's. */
export const PYTHON: string = existsSync(VENV_PYTHON) ? VENV_PYTHON : "python3";

/** Runs a script of this folder with the package of the sources, and parses what it prints as JSON. */
export async function runScript<Printed>(
  name: string,
  args: readonly (string | number)[],
): Promise<Printed> {
  const { stdout } = await promisify(execFile)(
    PYTHON,
    [join(import.meta.dirname, name), ...args.map(String)],
    {
      timeout: 120_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, PYTHONPATH: join(ROOT, "python") },
    },
  );
  return JSON.parse(stdout) as Printed;
}
