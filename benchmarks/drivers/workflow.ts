import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Task } from "../../src/client/index.ts";
import * as functions from "../functions/trivial.ts";
import { ROOT } from "../harness/paths.ts";
import { geometricMean } from "../harness/statistics.ts";
import type { PreparedWorkflow } from "../inner/prepare-workflow.ts";
import { createMeter } from "./meter.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";

/** The workflow's tasks as calls of a function that sleeps; those that nobody needs are given. */
function build({ tasks }: ScenarioContext, workflow: PreparedWorkflow): Task[] {
  const url = pathToFileURL(`${ROOT}benchmarks/functions/trivial.ts`);
  const { nap } = tasks.module(functions, url);
  const made: Task<Buffer>[] = [];
  const needed = new Set<number>();
  for (const { group, durationMs, sizeBytes, cpus, inputs } of workflow.tasks) {
    const sources = inputs.map((input) => made[input] as Task<Buffer>);
    for (const input of inputs) needed.add(input);
    const options = { label: `${group}: ${made.length}`, resources: { cpus } };
    made.push(nap.with(options)(durationMs, sizeBytes, sources) as Task<Buffer>);
  }
  return made.filter((_, index) => !needed.has(index));
}

/** Runs prepared workflows one after the other: their real makespans over the ideal ones. */
export const workflows: Scenario = async (context) => {
  const { client, pids } = context;
  const prepared = JSON.parse(readFileSync(context.text("path"), "utf8")) as PreparedWorkflow[];
  const meter = createMeter(pids);
  const ratios: Record<string, number> = {};
  for (const workflow of prepared) {
    const roots = build(context, workflow);
    meter.start();
    const futures = client.submit(roots);
    await client.wait(futures);
    ratios[`over ideal, ${workflow.name}`] = meter.stop() / workflow.idealSeconds;
    client.release(futures);
  }
  return meter.sample({
    overIdeal: geometricMean(Object.values(ratios)),
    workflows: prepared.length,
    ...ratios,
  });
};
