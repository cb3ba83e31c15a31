// The functions of the pipeline. They run on workers, which get this file and what it imports with
// the plan.
import { drawDial } from "./dial.ts";
import {
  at,
  BAND_MILES,
  BANDS,
  CELLS,
  LATE_MINUTES,
  listCells,
  type Quarter,
  type Tally,
} from "./report.ts";

/** Counts the flights of a piece. Lines of quarter, distance, delay. */
export function tally(lines: readonly string[]): Tally {
  const counts = new Uint32Array(2 * CELLS);
  for (const line of lines) {
    const [quarter = 0, miles = 0, delayMin = 0] = line.split("\t").map(Number);
    const cell = quarter * BANDS + Math.min(Math.floor(miles / BAND_MILES), BANDS - 1);
    counts[cell] = at(counts, cell) + 1;
    if (delayMin > LATE_MINUTES) counts[CELLS + cell] = at(counts, CELLS + cell) + 1;
  }
  return counts;
}

/** Adds up what was counted. */
export function combine(tallies: readonly Tally[]): Tally {
  const sum = new Uint32Array(2 * CELLS);
  for (const counts of tallies) {
    for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + at(counts, i);
  }
  return sum;
}

/** Quantiles, by nearest rank, of lines of quarter, distance, delay that are sorted by quarter and delay. */
export function quantiles(lines: readonly string[]): Quarter[] {
  const delaysByQuarter = new Map<number, number[]>();
  for (const line of lines) {
    const [quarter = 0, , delayMin = 0] = line.split("\t").map(Number);
    const delays = delaysByQuarter.get(quarter);
    if (delays === undefined) delaysByQuarter.set(quarter, [delayMin]);
    else delays.push(delayMin);
  }
  return Array.from(delaysByQuarter, ([quarter, delays]) => {
    const quantile = (share: number): number => delays[Math.ceil(delays.length * share) - 1] ?? 0;
    const flights = delays.length;
    return { quarter, flights, delayMinP50: quantile(0.5), delayMinP90: quantile(0.9) };
  });
}

/** The report as an SVG document. */
export function draw(counts: Tally, quarters: readonly Quarter[]): string {
  return drawDial({ tally: counts, quarters });
}

/** The report as JSON, for whoever wants to go on with it. */
export function write(counts: Tally, quarters: readonly Quarter[]): string {
  return `${JSON.stringify({ cells: listCells(counts), quarters })}\n`;
}
