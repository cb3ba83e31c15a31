// Runs one simulation, or several with consecutive seeds, and prints what they took:
//   npm run simulate -- --workload tree --tasks 8191 --workers 4 --faults lost,slow --seeds 20
import { parseArgs } from "node:util";
import {
  DEFAULT_OPTIONS,
  FAULT_NAMES,
  runSimulation,
  SimulationFailure,
  WORKLOAD_NAMES,
} from "../dist/simulator/index.js";

const number = (value) => ({ type: "string", default: String(value) });
const { values } = parseArgs({
  options: {
    seed: number(DEFAULT_OPTIONS.seed),
    seeds: number(1),
    workload: { type: "string", default: DEFAULT_OPTIONS.workload },
    tasks: number(DEFAULT_OPTIONS.taskCount),
    clients: number(DEFAULT_OPTIONS.clientCount),
    workers: number(DEFAULT_OPTIONS.workerCount),
    cpus: number(DEFAULT_OPTIONS.cpusPerWorker),
    "latency-us": number(DEFAULT_OPTIONS.latencyUs),
    "bytes-per-us": number(DEFAULT_OPTIONS.bytesPerUs),
    "fetch-share": number(DEFAULT_OPTIONS.fetchShare),
    faults: { type: "string", default: "" },
    "work-per-step": number(DEFAULT_OPTIONS.workPerStep),
    "not-ahead": { type: "boolean", default: false },
    "no-invariants": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

if (values.help) {
  process.stdout.write(
    "npm run simulate -- [--seed N] [--seeds COUNT] [--workload NAME] [--tasks N] [--clients N]\n" +
      "  [--workers N] [--cpus N] [--faults NAME,...] [--latency-us N] [--bytes-per-us N]\n" +
      "  [--fetch-share SHARE] [--work-per-step N] [--not-ahead] [--no-invariants]\n" +
      `workloads: ${WORKLOAD_NAMES.join(" ")}\nfaults: ${FAULT_NAMES.join(" ")}\n`,
  );
  process.exit(0);
}
const faults = values.faults.split(",").filter((name) => name !== "");
const unknown = faults.find((name) => !FAULT_NAMES.includes(name));
if (unknown !== undefined) fail(`no fault is named ${unknown}; there are ${FAULT_NAMES.join(" ")}`);
if (!WORKLOAD_NAMES.includes(values.workload)) {
  fail(`no workload is named ${values.workload}; there are ${WORKLOAD_NAMES.join(" ")}`);
}
const numberOf = (name) => {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0) fail(`--${name} expects a number, got ${values[name]}`);
  return value;
};

for (let run = 0; run < numberOf("seeds"); run += 1) {
  try {
    const report = runSimulation({
      seed: numberOf("seed") + run,
      workload: values.workload,
      taskCount: numberOf("tasks"),
      clientCount: numberOf("clients"),
      workerCount: numberOf("workers"),
      cpusPerWorker: numberOf("cpus"),
      latencyUs: numberOf("latency-us"),
      bytesPerUs: numberOf("bytes-per-us"),
      fetchShare: numberOf("fetch-share"),
      faults,
      workPerStep: numberOf("work-per-step"),
      givesAhead: !values["not-ahead"],
      checksInvariants: !values["no-invariants"],
    });
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    process.exit(1);
  }
}
