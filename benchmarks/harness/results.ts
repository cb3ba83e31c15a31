import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Figures, Goal, Sample } from "./cases.ts";
import type { Machine } from "./machine.ts";

/** One line of a file of results: one run of one case. */
export type ResultLine = Sample & {
  readonly row: number;
  readonly title: string;
  readonly case: string;
  /** What was measured: "this", "against", "dask", an address. */
  readonly subject: string;
  readonly commit: string;
  readonly at: string;
  readonly command: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly headline: string;
  readonly goals: readonly Goal[];
  readonly peers: string | undefined;
  readonly limits: Figures;
};

export function appendResult(path: string, line: ResultLine): void {
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}

export function readResults(path: string): ResultLine[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ResultLine);
}

/** The values of one figure in the runs of a case; limits are figures, too. */
export function valuesOf(lines: readonly ResultLine[], figure: string): number[] {
  return lines
    .map((line) => line.figures[figure] ?? line.limits[figure])
    .filter((value) => value !== undefined);
}
