// `npm run bench`: measures rows of the table of goals, one after the other, and shows them.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Row, type Subject, Unavailable } from "./harness/cases.ts";
import { findDask } from "./harness/dask.ts";
import { describeCommit, describeMachine } from "./harness/machine.ts";
import { type Options, parseOptions, USAGE } from "./harness/options.ts";
import { RESULTS } from "./harness/paths.ts";
import { type ResultLine, readResults } from "./harness/results.ts";
import { type Plan, runCase } from "./harness/run-case.ts";
import { formatCase } from "./harness/show-case.ts";
import { writeReport } from "./report/write-report.ts";
import { ROWS } from "./rows/rows.ts";

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** One line that is written over, where a person watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function subjectsOf(options: Options): Subject[] {
  const { address, buildDirectory, againstDirectory, peer, keepsJournal } = options;
  const subjects: Subject[] = [
    address === undefined
      ? { kind: "build", label: "this", directory: buildDirectory, keepsJournal }
      : { kind: "address", label: address, directory: buildDirectory, address },
  ];
  if (againstDirectory !== undefined) {
    subjects.push({ kind: "build", label: "against", directory: againstDirectory });
  }
  if (peer === "dask") subjects.push({ kind: "dask", label: "dask", python: findDask() });
  return subjects;
}

async function runRow(
  row: Row,
  options: Options,
  plan: Plan,
  earlier: readonly ResultLine[],
): Promise<void> {
  print(`\nRow ${row.number}: ${row.title}`);
  for (const benchCase of row.cases(options.quick)) {
    if (options.only !== undefined && !benchCase.name.includes(options.only)) continue;
    print(`\n  ${benchCase.name}${benchCase.peers === undefined ? "" : `   (${benchCase.peers})`}`);
    try {
      const runs = options.runs ?? (options.quick ? 2 : (benchCase.runs ?? 5));
      const results = await runCase(row, benchCase, { ...plan, runs });
      progress("");
      const before = earlier.filter(
        (line) =>
          line.row === row.number && line.case === benchCase.name && line.subject === "this",
      );
      print(formatCase(benchCase, results, before).replaceAll(/^/gm, "    "));
    } catch (error) {
      progress("");
      if (!(error instanceof Unavailable)) process.exitCode = 1;
      print(`    not measured: ${(error as Error).message}`);
    }
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    print(USAGE);
    return;
  }
  if (options.reportPath !== undefined) {
    for (const path of writeReport(options.reportPath)) print(`wrote ${path}`);
    return;
  }
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const outPath = options.outPath ?? join(RESULTS, `${stamp}.jsonl`);
  const profileDirectory = options.isProfiling ? join(RESULTS, `${stamp}-profiles`) : undefined;
  if (profileDirectory !== undefined) mkdirSync(profileDirectory, { recursive: true });
  const unknown = options.rows.find((number) => !ROWS.some((row) => row.number === number));
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}`);
  const rows = ROWS.filter((row) =>
    options.rows.length === 0 ? row.isLong !== true : options.rows.includes(row.number),
  );
  const earlier = options.comparePath === undefined ? [] : readResults(options.comparePath);
  const { cpu, cores, memoryBytes, kernel, node } = describeMachine();
  print(`${cores} x ${cpu}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, Linux ${kernel}, ${node}`);
  print(`commit ${describeCommit(options.buildDirectory)}; results go to ${outPath}`);
  const plan: Plan = {
    subjects: subjectsOf(options),
    runs: 0,
    outPath,
    context: {
      quick: options.quick,
      profileDirectory,
      dataDirectory: options.dataDirectory,
      minutes: options.minutes,
    },
    onRun: progress,
  };
  for (const row of rows) await runRow(row, options, plan, earlier);
  if (profileDirectory !== undefined) print(`\nprofiles are in ${profileDirectory}`);
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
