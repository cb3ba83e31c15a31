import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFor } from "../harness/bundle-for.ts";
import { type Row, type RunContext, type Sample, Unavailable } from "../harness/cases.ts";
import { measureScenario, runForJson } from "../harness/run-driver.ts";
import type { PreparedWorkflow } from "../inner/prepare-workflow.ts";
import { measureSocketPair } from "../limits/limits.ts";

const WORKERS = 3;
const CPUS_PER_WORKER = 4;

/** Where the data sets are; throws Unavailable where nobody said so. */
export function dataDirectory({ dataDirectory }: RunContext, folder: string): string {
  if (dataDirectory !== undefined) return join(dataDirectory, folder);
  throw new Unavailable(
    `its data is no part of the project: --data DIR, where DIR/${folder} has workflows in JSON`,
  );
}

async function measure(context: RunContext): Promise<Sample> {
  const { subject, quick } = context;
  if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
  const { socketPairBytesPerSecond } = await measureSocketPair("fresh");
  const request = {
    directory: dataDirectory(context, "wfinstances"),
    workers: WORKERS,
    cpusPerWorker: CPUS_PER_WORKER,
    bytesPerSecond: socketPairBytesPerSecond,
    secondsMax: quick ? 10 : 60,
  };
  const program = await bundleFor(subject.directory, "prepare-workflow");
  const command = [process.execPath, program, JSON.stringify(request)];
  const prepared = await runForJson<PreparedWorkflow[]>(command);
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-bench-"));
  try {
    const path = join(directory, "workflows.json");
    writeFileSync(path, JSON.stringify(prepared));
    const workers = Array.from({ length: WORKERS }, () => ({ cpus: CPUS_PER_WORKER }));
    return await measureScenario(context, "workflows", { path }, { workers });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const ROW: Row = {
  number: 15,
  title: "Real workflows: makespan over a simulated one without any overhead",
  cases: () => [
    {
      name: `recorded workflows on ${WORKERS} workers`,
      headline: "overIdeal",
      goals: [{ figure: "overIdeal", atMost: 1.05 }],
      runs: 3,
      measure,
    },
  ],
};
