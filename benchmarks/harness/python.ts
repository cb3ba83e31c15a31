import { existsSync } from "node:fs";
import { join } from "node:path";
import { type RunContext, type Sample, Unavailable } from "./cases.ts";
import { startCluster, type WorkerSpec } from "./cluster.ts";
import { ROOT } from "./paths.ts";
import { type Parameters, runDask, runForJson } from "./run-driver.ts";

/** The interpreter that `npm test` sets up, with cloudpickle. */
export const PYTHON: string = join(ROOT, ".venv/bin/python");

/** Measures a scenario of `benchmarks/python/driver.py`, by the Python client of the subject's build. */
export async function measurePython(
  context: RunContext,
  scenario: string,
  parameters: Parameters,
  workers: readonly WorkerSpec[],
): Promise<Sample> {
  const { subject } = context;
  if (subject.kind === "dask") {
    return runDask(subject.python, scenario, { ...parameters, workers: workers.length });
  }
  if (subject.kind === "address") throw new Unavailable("only for builds of this product");
  if (!existsSync(PYTHON)) {
    throw new Unavailable("there is no .venv; node scripts/python-venv.mjs makes it");
  }
  await using cluster = await startCluster(context, { workers });
  const request = {
    scenario,
    parameters,
    host: cluster.host,
    port: cluster.port,
    pids: cluster.pids,
    workers: workers.length,
  };
  const script = join(ROOT, "benchmarks/python/driver.py");
  const env = { PYTHONPATH: join(subject.directory, "python") };
  return await runForJson([PYTHON, script, JSON.stringify(request)], { env });
}
