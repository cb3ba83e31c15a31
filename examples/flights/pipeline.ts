import { type Client, type Future, readCount, type Task, tasks } from "hyperloom";
import { CELL_MINUTES, LATE_MINUTES } from "./report.ts";

// The table is JSON on one line: [{"delay":0,"distance":1452,"time":0.0},{"delay":171,...}]
// The programs are those of any Debian; awk reads a record up to each "}" and splits it at ":".

/** Records of JSON to lines of quarter of an hour, delay and distance. */
const EXTRACT = `BEGIN { RS = "}"; FS = ":"; OFS = "\\t" }
NF == 4 { print int($4 * 4), $2 + 0, $3 + 0 }`;

/** Such lines to one line for each flight that names its cell of the heat map. */
const TO_CELL = `{ cell = int($2 / ${CELL_MINUTES}); if (cell * ${CELL_MINUTES} > $2) cell--
print $1 "\\t" cell * ${CELL_MINUTES} }`;

/** Counts of cells, from several pieces, to their sums. */
const SUM_CELLS = `{ sum[$2 "\\t" $3] += $1 } END { for (cell in sum) print cell "\\t" sum[cell] }`;

/** Sorted delays of an hour to one line: hour, flights, late ones, three quantiles (nearest rank). */
const QUANTILES = `BEGIN { OFS = "\\t" }
function rank(share) { r = int(NR * share); if (r < NR * share) r++; return r < 1 ? 1 : r }
{ delay[NR] = $1 } $1 > ${LATE_MINUTES} { late++ }
END { if (NR) print hour, NR, late + 0, delay[rank(0.1)], delay[rank(0.5)], delay[rank(0.9)] }`;

const awk = (program: string, input: Task<Buffer>, label: string, variables: string[] = []) =>
  tasks.run(["awk", ...variables.flatMap((variable) => ["-v", variable]), program], {
    stdin: input,
    label,
  });

/** Absolute paths of the tables that the pipeline saves. */
export type TablePaths = { readonly cells: string; readonly hours: string };

/** What `startPipeline` hands out at once, before anything has run. */
export type Results = {
  /** Lines of quarter, delay and count, in that order. */
  readonly cells: Future<Buffer>;
  /** One line for each hour of the day in which anything flew. */
  readonly hours: Future<Buffer>;
  /** Finished when both tables are at their paths. */
  readonly saved: Future<Buffer[]>;
};

/**
 * Submits the pipeline:
 *
 *   open -> split -> slice -> extract -+-> cell -> sort -> count --> merge -> sum -> sort -> save
 *                    (in pieces)       |  (in pieces)
 *                                      +-> merge -> pick -> sort -> quantiles -> merge -> save
 *                                                   (for each hour)
 *
 * @param pieces how many pieces the table is cut into
 */
export async function startPipeline(
  client: Client,
  dataPath: string,
  pieces: number,
  paths: TablePaths,
): Promise<Results> {
  // The number of records is not known before the split: a first, small plan asks for it, and the
  // index that it made is the input of the second.
  const index = tasks.split(tasks.open(dataPath), { delimiter: "}", label: "split" });
  const [records, count] = client.submit([index, tasks.length(index)]);
  const recordCount = readCount(await count.gather());

  const bounds = Array.from({ length: pieces + 1 }, (_, i) =>
    Math.round((i / pieces) * recordCount),
  );
  const extracted = bounds.slice(1).map((to, i) => {
    const piece = tasks.slice(records, bounds[i] ?? 0, to, { label: `slice: ${i}` });
    return awk(EXTRACT, piece, `extract: ${i}`);
  });

  const counted = extracted.map((lines, i) => {
    const cells = awk(TO_CELL, lines, `cell: ${i}`);
    const sorted = tasks.run(["sort"], { stdin: cells, label: `sort: ${i}` });
    return tasks.run(["uniq", "-c"], { stdin: sorted, label: `count: ${i}` });
  });
  const sums = awk(SUM_CELLS, tasks.merge(counted), "sum");
  const cells = tasks.run(["sort", "-n", "-k1,1", "-k2,2"], { stdin: sums, label: "sort: cells" });

  const all = tasks.merge(extracted);
  const byHour = Array.from({ length: 24 }, (_, hour) => {
    const picked = awk(`int($1 / 4) == ${hour} { print $2 }`, all, `pick: ${hour}`);
    const sorted = tasks.run(["sort", "-n"], { stdin: picked, label: `sort hour: ${hour}` });
    return awk(QUANTILES, sorted, `quantiles: ${hour}`, [`hour=${hour}`]);
  });
  const hours = tasks.merge(byHour);

  const saved = tasks.array([
    tasks.save(cells, paths.cells, { label: "save: cells" }),
    tasks.save(hours, paths.hours, { label: "save: hours" }),
  ]);
  const [cellsFuture, hoursFuture, savedFuture] = client.submit([cells, hours, saved]);
  // Its last consumers are submitted; the server drops it as soon as they are done.
  records.release();
  return { cells: cellsFuture, hours: hoursFuture, saved: savedFuture };
}
