// Runs one simulation, or several with consecutive seeds. What no flag says is drawn from the seed:
//   npm run simulate -- --seeds 1000
//   npm run simulate -- --workload tree --tasks 8191 --workers 4 --faults lost,slow --seeds 20
// The first one that fails is told with the command that shows it again, as it was and with as
// little in it as still fails.
import { parseArgs } from "node:util";
import {
  DEFAULT_OPTIONS,
  drawOptions,
  FAULT_NAMES,
  minimizeFailure,
  runSimulation,
  SimulationFailure,
  WORKLOAD_NAMES,
} from "../dist/simulator/index.js";

/** Flags with numbers, and the options that they set. */
const NUMBERS = {
  tasks: "taskCount",
  clients: "clientCount",
  workers: "workerCount",
  cpus: "cpusPerWorker",
  "latency-us": "latencyUs",
  "bytes-per-us": "bytesPerUs",
  "memory-bytes": "memoryBytes",
  "fetch-share": "fetchShare",
  "work-per-step": "workPerStep",
};
const text = { type: "string" };
const { values } = parseArgs({
  options: {
    seed: text,
    seeds: text,
    workload: text,
    faults: text,
    without: text,
    ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, text])),
    "not-ahead": { type: "boolean" },
    "no-invariants": { type: "boolean" },
    reports: { type: "boolean" },
    help: { type: "boolean" },
  },
});

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(2);
};

if (values.help) {
  process.stdout.write(
    "npm run simulate -- [--seed N] [--seeds COUNT] [--workload NAME] [--tasks N] [--clients N]\n" +
      "  [--workers N] [--cpus N] [--faults NAME,...] [--without NUMBER,...] [--latency-us N]\n" +
      "  [--bytes-per-us N] [--memory-bytes N] [--fetch-share SHARE] [--work-per-step N] [--not-ahead]\n" +
      "  [--no-invariants] [--reports]\n" +
      "What is not given is drawn from the seed; with --workload, it has its default.\n" +
      `workloads: ${WORKLOAD_NAMES.join(" ")}\nfaults: ${FAULT_NAMES.join(" ")}\n`,
  );
  process.exit(0);
}

const numberOf = (name, otherwise) => {
  const value = Number(values[name] ?? otherwise);
  if (!Number.isFinite(value) || value < 0) fail(`--${name} expects a number, got ${values[name]}`);
  return value;
};
const listOf = (name) => values[name]?.split(",").filter((item) => item !== "");

const given = {};
for (const [name, option] of Object.entries(NUMBERS)) {
  if (values[name] !== undefined) given[option] = numberOf(name);
}
const faults = listOf("faults");
const unknown = faults?.find((name) => !FAULT_NAMES.includes(name));
if (unknown !== undefined) fail(`no fault is named ${unknown}; there are ${FAULT_NAMES.join(" ")}`);
if (faults !== undefined) given.faults = faults;
const without = listOf("without")?.map(Number);
if (without !== undefined) given.without = without;
if (values.workload !== undefined) {
  if (!WORKLOAD_NAMES.includes(values.workload)) {
    fail(`no workload is named ${values.workload}; there are ${WORKLOAD_NAMES.join(" ")}`);
  }
  given.workload = values.workload;
  given.givesAhead = !values["not-ahead"];
}
if (values["not-ahead"]) given.givesAhead = false;
if (values["no-invariants"]) given.checksInvariants = false;

const first = numberOf("seed", DEFAULT_OPTIONS.seed);
const count = numberOf("seeds", 1);
const totals = { tasks: 0, executions: 0, events: 0 };
/** How many runs each fault was part of. */
const injected = {};
const startedAt = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const drawn = values.workload === undefined ? drawOptions(seed) : DEFAULT_OPTIONS;
  const options = { ...drawn, ...given, seed };
  try {
    const report = runSimulation(options);
    for (const name of options.faults) injected[name] = (injected[name] ?? 0) + 1;
    totals.tasks += options.taskCount * options.clientCount;
    totals.executions += report.executions;
    totals.events += report.events;
    if (count === 1 || values.reports) process.stdout.write(`${JSON.stringify(report)}\n`);
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    const smallest = minimizeFailure(error);
    if (smallest !== error) process.stderr.write(`\nWith less: ${smallest.message}\n`);
    process.exit(1);
  }
}
if (count > 1) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(
    `${count} simulations from seed ${first} ended well in ${seconds} s: about ${totals.tasks} tasks, ` +
      `${totals.executions} executions, ${totals.events} events\n` +
      `with faults: ${FAULT_NAMES.map((name) => `${name} ${injected[name] ?? 0}`).join(", ")}\n`,
  );
}
