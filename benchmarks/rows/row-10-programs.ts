import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Case, Row, RunContext, Sample } from "../harness/cases.ts";
import { measureScenario, type Parameters } from "../harness/run-driver.ts";

const GIGABYTE = 2 ** 30;
const WORKERS = { workers: [{ cpus: 4 }] };

const measure = (context: RunContext, parameters: Parameters): Promise<Sample> =>
  measureScenario(context, "programs", parameters, WORKERS);

/** The same build without its compiled launcher, which its workers then do without. */
async function measureFallback(context: RunContext, parameters: Parameters): Promise<Sample> {
  const { subject } = context;
  if (subject.kind !== "build") return measure(context, parameters);
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-bench-"));
  try {
    cpSync(join(subject.directory, "dist/bin"), join(directory, "dist/bin"), {
      recursive: true,
      filter: (path) => basename(path) !== "loom-launcher",
    });
    return await measure({ ...context, subject: { ...subject, directory } }, parameters);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function caseOf(name: string, heldBytes: number, count: number): Case {
  return {
    name,
    headline: "shareOfC",
    goals: [{ figure: "shareOfC", atLeast: 0.7 }],
    limits: ["spawn"],
    peers: "original 250-470/s, Dask 293/s, C posix_spawn 2.0-2.7k/s",
    measure: (context) => measure(context, { heldBytes, count }),
    derive: share,
  };
}

function share(
  figures: Readonly<Record<string, number>>,
  limits: Readonly<Record<string, number>>,
) {
  const { programsPerSecond = Number.NaN } = figures;
  return { shareOfC: programsPerSecond / (limits["spawnPerSecond"] ?? Number.NaN) };
}

export const ROW: Row = {
  number: 10,
  title: "/bin/true with stdout and stderr captured",
  cases: (quick) => {
    const count = quick ? 500 : 2_000;
    return [
      caseOf("empty worker", 0, count),
      caseOf("worker that holds 2 GB", (quick ? 0.25 : 2) * GIGABYTE, count),
      {
        name: "launcher in Node",
        headline: "programsPerSecond",
        goals: [],
        limits: ["spawn"],
        measure: (context) => measureFallback(context, { heldBytes: 0, count }),
        derive: share,
      },
    ];
  },
};
