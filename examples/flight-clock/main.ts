// When do flights leave, how far do they go, and which are late? A table of 200,000 flights is cut
// into pieces; programs take the records apart and sort them, functions of this directory count, and
// the picture is drawn and saved on the cluster.
//
//   hyperloom run examples/flight-clock/main.ts [-- --pieces N --output DIRECTORY]
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "hyperloom";
import { showProgress } from "../flights/progress.ts";
import { startPipeline } from "./pipeline.ts";
import { listCells, type Quarter, type Report } from "./report.ts";

const { values } = parseArgs({
  options: {
    pieces: { type: "string", default: "48" },
    output: { type: "string", default: "results" },
  },
});
const pieces = Math.max(1, Number.parseInt(values.pieces, 10) || 1);
const outputDir = resolve(values.output);
const paths = {
  chart: join(outputDir, "flight-clock.svg"),
  table: join(outputDir, "flight-clock.json"),
};
const dataPath = fileURLToPath(
  new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets")),
);

async function compute(client: Client): Promise<Report> {
  await using _progress = showProgress(client);
  const { counts, quarters, saved } = await startPipeline(client, dataPath, pieces, paths);
  const [tally, delays] = await Promise.all([counts.gather(), quarters.gather(), saved.gather()]);
  return { tally, quarters: delays };
}

const clock = ({ quarter }: Quarter): string =>
  `${String(Math.floor(quarter / 4)).padStart(2, "0")}:${String((quarter % 4) * 15).padStart(2, "0")}`;

function summarize({ tally, quarters }: Report): string {
  const cells = listCells(tally);
  const flights = cells.reduce((sum, cell) => sum + cell.flights, 0);
  const late = cells.reduce((sum, cell) => sum + cell.late, 0);
  const rows = quarters
    .filter((row) => row.quarter % 8 === 0 && row.flights >= 1_000)
    .map((row) => {
      const numbers = [row.flights, row.delayMinP50, row.delayMinP90];
      return `  ${clock(row)} ${numbers.map((value) => String(value).padStart(10)).join("")}\n`;
    });
  return `${flights.toLocaleString("en-US")} flights, ${((late / flights) * 100).toFixed(1)} % more than 15 minutes late
  leaving    flights    median  1 in 10  (minutes late)
${rows.join("")}`;
}

await mkdir(outputDir, { recursive: true });
// No address: the server that `hyperloom run` names, or has started.
await using client = await Client.connect();
const startMs = performance.now();
const report = await compute(client);
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
process.stdout.write(`\n${summarize(report)}\n`);
for (const path of Object.values(paths)) process.stdout.write(`${relative(".", path)}\n`);
process.stdout.write(`computed in ${seconds} s from ${pieces} pieces\n`);
