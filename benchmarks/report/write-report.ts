import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../harness/paths.ts";
import { readResults } from "../harness/results.ts";
import { formatFigures } from "./figures.ts";
import { drawPlots } from "./plots.ts";

const BEGIN = "<!-- figures: written by npm run bench -- --report FILE -->";
const END = "<!-- end of figures -->";

/** The document with what is between its two marks replaced. */
export function replaceFigures(document: string, figures: string): string {
  const start = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`expected ${BEGIN} and ${END} in the document`);
  return `${document.slice(0, start + BEGIN.length)}\n${figures}${document.slice(end)}`;
}

/** Writes results into docs/performance.md and draws its plots. Returns the paths written. */
export function writeReport(resultsPath: string): string[] {
  const lines = readResults(resultsPath);
  const plots = drawPlots(lines);
  const directory = join(ROOT, "docs/plots");
  mkdirSync(directory, { recursive: true });
  for (const [name, svg] of plots) writeFileSync(join(directory, name), svg);
  const document = join(ROOT, "docs/performance.md");
  const figures = formatFigures(lines, [...plots.keys()]);
  writeFileSync(document, replaceFigures(readFileSync(document, "utf8"), figures));
  return [document, ...[...plots.keys()].map((name) => join(directory, name))];
}
