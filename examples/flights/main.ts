// How late are flights, by time of day? A table of 200,000 flights is cut into pieces, external
// programs work on the pieces in parallel, and what they found is merged into a picture.
//
//   hyperloom run examples/flights/main.ts [-- --pieces N --output DIRECTORY]
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "hyperloom";
import { drawChart } from "./chart.ts";
import { startPipeline } from "./pipeline.ts";
import { showProgress } from "./progress.ts";
import { type DelayReport, parseCells, parseHours } from "./report.ts";
import { summarize } from "./summary.ts";

const { values } = parseArgs({
  options: {
    pieces: { type: "string", default: "96" },
    output: { type: "string", default: "results" },
  },
});
const pieces = Math.max(1, Number.parseInt(values.pieces, 10) || 1);
const outputDir = resolve(values.output);
const chartPath = join(outputDir, "flight-delays.svg");
const tables = {
  cells: join(outputDir, "flights-by-time-and-delay.tsv"),
  hours: join(outputDir, "flights-by-hour.tsv"),
};
const dataPath = fileURLToPath(
  new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets")),
);

async function compute(client: Client): Promise<DelayReport> {
  await using _progress = showProgress(client);
  const { cells, hours, saved } = await startPipeline(client, dataPath, pieces, tables);
  const [cellLines, hourLines] = await Promise.all([
    cells.gather(),
    hours.gather(),
    saved.gather(),
  ]);
  return { cells: parseCells(cellLines.toString()), hours: parseHours(hourLines.toString()) };
}

await mkdir(outputDir, { recursive: true });
// No address: the server that `hyperloom run` names, or has started.
await using client = await Client.connect();
const startMs = performance.now();
const report = await compute(client);
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
await writeFile(chartPath, drawChart(report));
process.stdout.write(`\n${summarize(report)}\n`);
for (const path of [chartPath, ...Object.values(tables)])
  process.stdout.write(`${relative(".", path)}\n`);
process.stdout.write(`computed in ${seconds} s from ${pieces} pieces\n`);
