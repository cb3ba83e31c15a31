// Which measurements tell penguins apart, and how many neighbors should be asked? Every choice of
// measurements and neighbors is tried by cross-validation, in functions of this directory; the best
// one then tells penguins that nobody had seen.
//
//   hyperloom run examples/cross-validation/main.ts [-- --folds N --seed N --output DIRECTORY]
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "hyperloom";
import { showProgress } from "../flights/progress.ts";
import { drawGrid } from "./chart.ts";
import { startPipeline } from "./pipeline.ts";
import type { Choice, Verdict } from "./steps.ts";
import { summarize } from "./summary.ts";

const { values } = parseArgs({
  options: {
    folds: { type: "string", default: "5" },
    seed: { type: "string", default: "2026" },
    output: { type: "string", default: "results" },
  },
});
const folds = Math.max(2, Number.parseInt(values.folds, 10) || 2);
const seed = Number.parseInt(values.seed, 10) || 0;
const outputDir = resolve(values.output);
const chartPath = join(outputDir, "penguins.svg");
const gridPath = join(outputDir, "penguins.json");
const dataPath = fileURLToPath(
  new URL("../data/penguins.json", import.meta.resolve("vega-datasets")),
);

async function compute(client: Client): Promise<[Choice, Verdict[]]> {
  await using _progress = showProgress(client);
  const { choice, verdicts } = startPipeline(client, dataPath, folds, seed);
  return await Promise.all([choice.gather(), verdicts.gather()]);
}

// No address: the server that `hyperloom run` names, or has started.
await using client = await Client.connect();
const startMs = performance.now();
const [choice, verdicts] = await compute(client);
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
await mkdir(outputDir, { recursive: true });
await writeFile(chartPath, drawGrid(choice, verdicts));
await writeFile(gridPath, `${JSON.stringify({ ...choice, verdicts })}\n`);
process.stdout.write(`\n${summarize(choice, verdicts)}\n`);
for (const path of [chartPath, gridPath]) process.stdout.write(`${relative(".", path)}\n`);
process.stdout.write(`computed in ${seconds} s with ${folds} folds\n`);
