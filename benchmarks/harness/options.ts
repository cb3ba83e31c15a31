import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./paths.ts";

export type Options = {
  readonly rows: readonly number[];
  readonly runs: number | undefined;
  readonly quick: boolean;
  /** Where the JSON lines go; default: a new file in `benchmarks/results`. */
  readonly outPath: string | undefined;
  readonly comparePath: string | undefined;
  readonly buildDirectory: string;
  readonly againstDirectory: string | undefined;
  readonly keepsJournal: boolean;
  readonly address: string | undefined;
  readonly peer: string | undefined;
  readonly isProfiling: boolean;
  readonly dataDirectory: string | undefined;
  readonly minutes: number;
  /** Results to write into docs/performance.md, instead of measuring. */
  readonly reportPath: string | undefined;
  readonly only: string | undefined;
};

export const USAGE = `npm run bench -- [ROW...] [options]

Measures rows of docs/performance.md, all but the long ones by default.

  --runs N         runs of each case; the table shows the median, the least and the greatest (5)
  --quick          small sizes, 2 runs: to see whether it works
  --only TEXT      only cases whose name contains TEXT
  --build DIR      measures the build of another checkout instead of this one
  --journal        its servers keep a journal; with --against . this is what that costs
  --against DIR    measures the build of DIR too, run by run in turn, and prints the ratios
  --address H:P    measures the server at this address, by the rows that need nothing but a server
  --peer dask      measures Dask too, by the rows that make sense (Python package distributed)
  --compare FILE   prints ratios to the results of an earlier run
  --cpu-prof       leaves profiles of all processes in benchmarks/results
  --out FILE       where the results go, one line of JSON for each run
  --data DIR       where the data sets of rows 15 and 16 are (HYPERLOOM_BENCH_DATA)
  --minutes N      how long row 19 runs (60)
  --report FILE    writes results into docs/performance.md, and draws its plots; measures nothing
`;

/** Throws an Error with a sentence for what cannot be understood; undefined where help was asked for. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: "string" },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      build: { type: "string" },
      against: { type: "string" },
      journal: { type: "boolean", default: false },
      address: { type: "string" },
      peer: { type: "string" },
      compare: { type: "string" },
      "cpu-prof": { type: "boolean", default: false },
      out: { type: "string" },
      data: { type: "string" },
      minutes: { type: "string", default: "60" },
      report: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const rows = positionals.map((text) => wholeNumber("a row", text));
  if (values.peer !== undefined && values.peer !== "dask") throw new Error("the only peer is dask");
  return {
    rows,
    runs: values.runs === undefined ? undefined : wholeNumber("--runs", values.runs),
    quick: values.quick,
    only: values.only,
    outPath: values.out,
    comparePath: values.compare,
    buildDirectory: builtDirectory(values.build ?? ROOT),
    againstDirectory: values.against === undefined ? undefined : builtDirectory(values.against),
    keepsJournal: values.journal,
    address: values.address,
    peer: values.peer,
    isProfiling: values["cpu-prof"],
    dataDirectory: values.data ?? process.env["HYPERLOOM_BENCH_DATA"],
    minutes: wholeNumber("--minutes", values.minutes),
    reportPath: values.report,
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${name} is a whole number above 0, not '${text}'`);
  return Number(text);
}

function builtDirectory(path: string): string {
  const directory = resolve(path);
  if (existsSync(join(directory, "dist/bin/loom-server.js"))) return directory;
  throw new Error(`${directory} has no dist/bin/loom-server.js; run npm run build there`);
}
