import { MEASUREMENTS, SPECIES } from "./penguins.ts";
import type { Choice, Rated, Verdict } from "./steps.ts";

/** Without the unit. */
export const MEASUREMENT_NAMES: readonly string[] = MEASUREMENTS.map((name) =>
  name.replace(/ \(.*/, "").toLowerCase(),
);

export const accuracy = ({ correct, total }: Pick<Rated, "correct" | "total">): number =>
  correct / Math.max(total, 1);

/** The points of the grid by choice of measurements, the choice with the best point first. */
export function rankChoices(grid: readonly Rated[]): Rated[][] {
  const rows = new Map<string, Rated[]>();
  for (const point of grid) {
    const key = point.measurements.join();
    rows.set(key, [...(rows.get(key) ?? []), point]);
  }
  const most = (row: readonly Rated[]): number => Math.max(...row.map(({ correct }) => correct));
  return [...rows.values()].sort((a, b) => most(b) - most(a));
}

/** The first of the points with the most correct. */
export const bestOf = (row: readonly Rated[]): Rated | undefined =>
  row.reduce<Rated | undefined>(
    (best, point) => (best === undefined || point.correct > best.correct ? point : best),
    undefined,
  );

const percent = (score: Pick<Rated, "correct" | "total">): string =>
  `${(accuracy(score) * 100).toFixed(1)} %`;

/** What to say in the terminal: the best of each choice, the best of all, and how it does. */
export function summarize({ best, grid }: Choice, verdicts: readonly Verdict[]): string {
  const rows = rankChoices(grid).map((row) => {
    const point = bestOf(row) ?? best;
    const names = point.measurements.map((m) => MEASUREMENT_NAMES[m]).join(", ");
    return `  ${percent(point).padStart(8)} ${String(point.neighbors).padStart(10)}   ${names}\n`;
  });
  const right = verdicts.filter(({ species, predicted }) => species === predicted);
  const confusion = SPECIES.map((name, species) => {
    const counts = SPECIES.map(
      (_, predicted) =>
        verdicts.filter((v) => v.species === species && v.predicted === predicted).length,
    );
    return `  ${name.padEnd(10)}${counts.map((count) => String(count).padStart(11)).join("")}\n`;
  });
  const names = best.measurements.map((m) => MEASUREMENT_NAMES[m]).join(", ");
  return `  accuracy  neighbors   measurements
${rows.join("")}
best: ${best.neighbors} neighbors by ${names}
of ${verdicts.length} penguins that were kept for the end, ${right.length} are told right:
  ${"".padEnd(10)}${SPECIES.map((name) => name.padStart(11)).join("")}
${confusion.join("")}`;
}
