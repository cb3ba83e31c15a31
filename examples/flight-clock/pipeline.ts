import { asLines, type Client, type Future, readCount, type Task, tasks } from "hyperloom";
import type { Quarter, Tally } from "./report.ts";
import * as steps from "./steps.ts";

const { tally, combine, quantiles, draw, write } = tasks.module(
  steps,
  import.meta.resolve("./steps.ts"),
);

// The table is JSON on one line: [{"delay":0,"distance":1452,"time":0.0},{"delay":171,...}]
/** Records of JSON to lines of quarter of an hour, distance and delay. */
const EXTRACT = `BEGIN { RS = "}"; FS = ":"; OFS = "\\t" }
NF == 4 { print int($4 * 4), $3 + 0, $2 + 0 }`;

/** By quarter, then by delay. */
const SORT = ["sort", "-n", "-k1,1", "-k3,3"];
const PLAIN_ORDER = { LC_ALL: "C" };

/** So many tallies are added up at once. */
const GROUP = 8;

/** Absolute paths of what the pipeline saves. */
export type OutputPaths = { readonly chart: string; readonly table: string };

/** What `startPipeline` hands out at once, before anything has run. */
export type Results = {
  readonly counts: Future<Tally>;
  readonly quarters: Future<Quarter[]>;
  /** Finished when chart and table are at their paths. */
  readonly saved: Future<Buffer[]>;
};

/**
 * Submits the pipeline; programs are in brackets, functions have parentheses:
 *
 *   open -> split -> slice -> [awk] -+-> tally() -> combine() -> combine() -+-> draw() -> save
 *                    (in pieces)     |  (in pieces)      (a tree)           |
 *                                    +-> [sort] -> [sort -m] -> quantiles() +-> write() -> save
 *
 * @param pieces how many pieces the table is cut into
 */
export async function startPipeline(
  client: Client,
  dataPath: string,
  pieces: number,
  paths: OutputPaths,
): Promise<Results> {
  // The number of records is not known before the split: a first, small plan asks for it.
  const index = tasks.split(tasks.open(dataPath), { delimiter: "}", label: "split" });
  const [records, count] = client.submit([index, tasks.length(index)]);
  const recordCount = readCount(await count.gather());

  const bounds = Array.from({ length: pieces + 1 }, (_, i) =>
    Math.round((i / pieces) * recordCount),
  );
  const extracted = bounds.slice(1).map((to, i) =>
    tasks.run(["awk", EXTRACT], {
      stdin: tasks.slice(records, bounds[i] ?? 0, to),
      label: `extract: ${i}`,
    }),
  );

  const counts = addUp(
    extracted.map((lines, i) => tally.with({ label: `tally: ${i}` })(asLines(lines))),
  );
  const quarters = quantiles(asLines(mergeSorted(extracted)));
  const saved = tasks.array([
    tasks.save(draw(counts, quarters), paths.chart, { label: "save: chart" }),
    tasks.save(write(counts, quarters), paths.table, { label: "save: table" }),
  ]);
  const [countsFuture, quartersFuture, savedFuture] = client.submit([counts, quarters, saved]);
  // Its last consumers are submitted; the server drops it as soon as they are done.
  records.release();
  return { counts: countsFuture, quarters: quartersFuture, saved: savedFuture };
}

/** A tree, so that no task waits for all of the others but the last. */
function addUp(tallies: readonly Task<Tally>[]): Task<Tally> {
  let level = tallies;
  do {
    const groups = Math.ceil(level.length / GROUP);
    level = Array.from({ length: groups }, (_, i) =>
      combine(level.slice(i * GROUP, (i + 1) * GROUP)),
    );
  } while (level.length > 1);
  const [sum] = level;
  if (sum === undefined) throw new RangeError("There are no pieces to add up");
  return sum;
}

/** Each piece is sorted by itself; the sorted ones are files to the program that merges them. */
function mergeSorted(pieces: readonly Task<Buffer>[]): Task<Buffer> {
  const sorted = pieces.map((lines, i) => {
    const file = `sorted-${i}.tsv`;
    const task = tasks.run(SORT, { stdin: lines, env: PLAIN_ORDER, label: `sort: ${i}` });
    return [file, task] as const;
  });
  return tasks.run([...SORT, "-m", ...sorted.map(([file]) => file)], {
    inputs: Object.fromEntries(sorted),
    env: PLAIN_ORDER,
    label: "sort: merge",
  });
}
