import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { runToEnd } from "../../cli/processes/programs.ts";

export const ROOT: string = join(import.meta.dirname, "../../..");
const VENV_PYTHON = join(ROOT, ".venv/bin/python");
/** That of the set-up; where it could not make one, the system's. */
export const PYTHON: string = existsSync(VENV_PYTHON) ? VENV_PYTHON : "python3";

export const LANGUAGES = ["TypeScript", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/**
 * Expects that two pictures are the same but for the last digit of a number: where it ends in a 5,
 * the languages round in different ways.
 */
export function expectSamePicture(a: string, b: string): void {
  const number = /\d+(?:\.\d+)?/g;
  expect(a.replace(number, "#")).toBe(b.replace(number, "#"));
  const [ofA, ofB] = [a, b].map((svg) => (svg.match(number) ?? []).map(Number));
  const far = (ofA ?? []).filter((value, i) => Math.abs(value - (ofB?.[i] ?? 0)) > 0.11);
  expect(far).toEqual([]);
}

/** Runs the program of an example, on a cluster of its own, and returns what it said. */
export async function runExample(
  name: string,
  language: Language,
  args: readonly string[],
  server?: string,
): Promise<string> {
  const script = join(ROOT, "examples", name, language === "Python" ? "main.py" : "main.ts");
  const named = server === undefined ? [] : ["--server", server];
  const { code, stdout, stderr } =
    language === "Python"
      ? await runToEnd("python", [script, ...named, ...args], {
          path: PYTHON,
          env: { PYTHONPATH: join(ROOT, "python") },
        })
      : await runToEnd("hyperloom", ["run", ...named, script, "--", ...args]);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}
