import { spawn } from "node:child_process";
import type { DriverRequest } from "../drivers/scenario.ts";
import type { ScenarioName } from "../drivers/scenarios.ts";
import { type RunContext, type Sample, Unavailable } from "./cases.ts";
import { type ClusterSpec, profileArgs, startCluster } from "./cluster.ts";
import { programPath, ROOT } from "./paths.ts";

export type Parameters = Readonly<Record<string, number | string | boolean>>;

/**
 * Measures a scenario in a fresh client process: against a fresh cluster of the subject's build,
 * against the server at the subject's address, or in the peer's own driver.
 */
export async function measureScenario(
  context: RunContext,
  scenario: ScenarioName,
  parameters: Parameters,
  spec: ClusterSpec,
): Promise<Sample> {
  const { subject } = context;
  if (subject.kind === "dask") {
    return runDask(subject.python, scenario, { ...parameters, workers: spec.workers.length });
  }
  if (subject.kind === "address") {
    const [host = "", port = ""] = subject.address.split(":");
    return runClient(context, scenario, parameters, { host, port: Number(port), pids: {} }, 0);
  }
  await using cluster = await startCluster(context, spec);
  return await runClient(context, scenario, parameters, cluster, spec.workers.length);
}

export type Target = {
  readonly host: string;
  readonly port: number;
  readonly pids: Readonly<Record<string, number>>;
};

/** Runs a scenario in a client process of its own. */
export function runClient(
  context: RunContext,
  scenario: ScenarioName,
  parameters: Parameters,
  { host, port, pids }: Target,
  workerCount: number,
  prefix: readonly string[] = [],
): Promise<Sample> {
  const { subject } = context;
  if (subject.kind === "dask") throw new Unavailable("there is no such driver for Dask");
  const request: DriverRequest = {
    scenario,
    parameters,
    build: subject.directory,
    address: `${host}:${port}`,
    pids,
    workerCount,
  };
  const args = [...profileArgs(context, "client"), programPath("driver"), JSON.stringify(request)];
  return runForJson([...prefix, process.execPath, ...args]);
}

/** A run of a peer that takes longer is given up. */
const DASK_TIMEOUT_MS = 180_000;

/** Runs a scenario of `benchmarks/peers/dask_driver.py`, which starts a Dask cluster of its own. */
export function runDask(python: string, scenario: string, parameters: Parameters): Promise<Sample> {
  const script = `${ROOT}benchmarks/peers/dask_driver.py`;
  const command = [python, script, scenario, JSON.stringify(parameters)];
  return runForJson(command, { timeoutMs: DASK_TIMEOUT_MS });
}

/** Status by which a driver says that it has no such scenario; why is its last line. */
const UNAVAILABLE_STATUS = 75;

/** Runs a program that prints one line of JSON. Throws Unavailable where it ends with status 75. */
export function runForJson<T>(
  command: readonly string[],
  { env = {}, timeoutMs }: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<T> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    const timer = setTimeout(
      () => {
        child.kill();
        reject(new Unavailable(`it took longer than ${timeoutMs} ms`));
      },
      timeoutMs ?? 2 ** 31 - 1,
    );
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      const line = text.trim().split("\n").at(-1) ?? "";
      if (status === UNAVAILABLE_STATUS) reject(new Unavailable(line));
      else if (status !== 0)
        reject(new Error(`${args[0]} ended with ${signal ?? status}: ${text}`));
      else resolve(JSON.parse(line) as T);
    });
  });
}
