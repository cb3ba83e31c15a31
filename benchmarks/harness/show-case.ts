import type { Case, Goal } from "./cases.ts";
import { formatFigure, formatName } from "./format.ts";
import { type ResultLine, valuesOf } from "./results.ts";
import { median, summarize } from "./statistics.ts";
import { formatTable } from "./table.ts";

/** Lines of one case by what was measured, in the order of measurement. */
export type CaseResults = ReadonlyMap<string, readonly ResultLine[]>;

/** All figures of a case: the headline first, then the others, the limits, the CPU seconds. */
function figureNames(lines: readonly ResultLine[], headline: string): string[] {
  const names = new Set([headline]);
  for (const line of lines) {
    for (const name of Object.keys(line.figures)) names.add(name);
    for (const name of Object.keys(line.limits)) names.add(name);
  }
  return [...names];
}

const known = (values: readonly (number | undefined)[]): number[] =>
  values.filter((value) => value !== undefined);

export function isReached(goal: Goal, value: number): boolean {
  return "atLeast" in goal ? value >= goal.atLeast : value <= goal.atMost;
}

export function formatGoal(goal: Goal): string {
  return "atLeast" in goal
    ? `>= ${formatFigure(goal.figure, goal.atLeast)}`
    : `<= ${formatFigure(goal.figure, goal.atMost)}`;
}

/**
 * The table of a case: each figure with median, least and greatest value, its goal, and ratios of
 * medians where there is something to compare with.
 * @param earlier lines of an earlier run of the same case
 */
export function formatCase(
  { headline, goals }: Pick<Case, "headline" | "goals">,
  results: CaseResults,
  earlier: readonly ResultLine[],
): string {
  const [first = [], ...others] = [...results.values()];
  const otherLabels = [...results.keys()].slice(1);
  const head = ["", "median", "min", "max", "goal", ""];
  for (const label of otherLabels) head.push(label, "ratio");
  if (earlier.length > 0) head.push("earlier", "ratio");
  const rows: string[][] = [head];

  const add = (name: string, valuesIn: (lines: readonly ResultLine[]) => number[]): void => {
    const values = valuesIn(first);
    if (values.length === 0) return;
    const own = summarize(values);
    const goal = goals.find(({ figure }) => figure === name);
    const verdict = goal === undefined ? "" : isReached(goal, own.median) ? "reached" : "missed";
    const row = [
      `${formatName(name)}`,
      ...[own.median, own.min, own.max].map((value) => formatFigure(name, value)),
      goal === undefined ? "" : formatGoal(goal),
      verdict,
    ];
    for (const lines of [...others, ...(earlier.length > 0 ? [earlier] : [])]) {
      const other = valuesIn(lines);
      const middle = median(other);
      row.push(formatFigure(name, middle));
      row.push(middle > 0 ? `x${(own.median / middle).toFixed(3)}` : "-");
    }
    rows.push(row);
  };
  for (const name of figureNames(first, headline)) add(name, (lines) => valuesOf(lines, name));
  for (const process of Object.keys(first[0]?.cpuSeconds ?? {})) {
    add(`${process} cpuSeconds`, (lines) => known(lines.map((line) => line.cpuSeconds[process])));
  }
  for (const process of Object.keys(first[0]?.peakBytes ?? {})) {
    add(`${process} peakBytes`, (lines) => known(lines.map((line) => line.peakBytes[process])));
  }
  return formatTable(rows);
}
