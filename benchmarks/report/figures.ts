import { formatFigure, formatName } from "../harness/format.ts";
import { type ResultLine, valuesOf } from "../harness/results.ts";
import { formatGoal, isReached } from "../harness/show-case.ts";
import { median, summarize } from "../harness/statistics.ts";

/** Lines of each case, in the order of rows and of measurement. */
function groupByCase(lines: readonly ResultLine[]): ResultLine[][] {
  const groups = new Map<string, ResultLine[]>();
  for (const line of lines) {
    const key = `${line.row}\0${line.case}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  }
  return [...groups.values()].sort(([a], [b]) => (a?.row ?? 0) - (b?.row ?? 0));
}

const range = (figure: string, values: readonly number[]): string => {
  const { median: middle, min, max } = summarize(values);
  const text = formatFigure(figure, middle);
  return values.length === 1
    ? text
    : `${text} (${formatFigure(figure, min)} to ${formatFigure(figure, max)})`;
};

/** Rows of the table for one case: one for each goal, or for its headline where it has none. */
function caseRows(lines: readonly ResultLine[], peer: readonly ResultLine[]): string[] {
  const [first] = lines;
  if (first === undefined) return [];
  const goals: readonly (ResultLine["goals"][number] | undefined)[] =
    first.goals.length === 0 ? [undefined] : first.goals;
  return goals.map((goal, index) => {
    const figure = goal?.figure ?? first.headline;
    const values = valuesOf(lines, figure);
    const verdict =
      goal === undefined || values.length === 0
        ? ""
        : isReached(goal, median(values))
          ? "reached"
          : "**missed**";
    const peerValues = valuesOf(peer, figure);
    const peers = [
      ...(index === 0 && first.peers ? [first.peers] : []),
      ...(peerValues.length > 0 ? [`Dask here: ${range(figure, peerValues)}`] : []),
    ];
    const cells = [
      index === 0 ? first.case : "",
      formatName(figure),
      goal === undefined ? "" : formatGoal(goal),
      values.length === 0 ? "not measured" : range(figure, values),
      verdict,
      peers.join("; "),
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

function machineLimits(lines: readonly ResultLine[]): string[] {
  const names = new Set(lines.flatMap((line) => Object.keys(line.limits)));
  return [...names].map((name) => {
    const values = lines.map((line) => line.limits[name]).filter((value) => value !== undefined);
    return `| ${formatName(name)} | ${range(name, values)} |`;
  });
}

/** A command without the places of one machine: whoever repeats it has others. */
const withoutPaths = (command: string): string =>
  command.replaceAll(/ --(build|against|out|data|compare) \S+/g, "").replace(/ --$/, "");

/** The generated part of docs/performance.md. */
export function formatFigures(lines: readonly ResultLine[], plots: readonly string[]): string {
  const own = lines.filter(({ subject }) => subject === "this");
  const dask = groupByCase(lines.filter(({ subject }) => subject === "dask"));
  const [first] = own;
  if (first === undefined) return "Nothing was measured.\n";
  const { cpu, cores, memoryBytes, kernel, node } = first.machine;
  const groups = groupByCase(own);
  const goalCount = groups.flatMap(([line]) => line?.goals ?? []).length;
  const reached = groups.flatMap((group) =>
    (group[0]?.goals ?? []).filter((goal) => {
      const values = valuesOf(group, goal.figure);
      return values.length > 0 && isReached(goal, median(values));
    }),
  ).length;
  const busy = valuesOf(own, "othersPercent");
  const out = [
    `Measured on ${first.at.slice(0, 10)} at commit ${first.commit} on ${cores} x ${cpu}, ${formatFigure("bytes", memoryBytes)} of memory, Linux ${kernel}, Node ${node}, by \`${withoutPaths(first.command)}\`. All processes of a run share these cores.${first.quick ? " With small sizes (`--quick`): these figures show that the rows work, not how fast they are." : ""}`,
    "",
    `Other programs took ${range("percent", busy)} of the machine meanwhile. ${reached} of ${goalCount} goals are reached. Figures are medians, with the least and the greatest.`,
    "",
    ...plots.flatMap((name) => [`![${name.replace(".svg", "")}](plots/${name})`, ""]),
  ];
  let row = -1;
  for (const group of groups) {
    const [line] = group;
    if (line === undefined) continue;
    if (line.row !== row) {
      row = line.row;
      out.push(...(out.at(-1) === "" ? [] : [""]));
      out.push(`### Row ${row}: ${line.title}`, "", `\`npm run bench -- ${row}\``, "");
      out.push("| case | figure | goal | measured | | peers |", "|---|---|---|---|---|---|");
    }
    const peer = dask.find(([other]) => other?.row === row && other.case === line.case) ?? [];
    out.push(...caseRows(group, peer));
  }
  const limits = machineLimits(own);
  if (limits.length > 0) {
    out.push("", "### Limits of the machine, measured in the same minutes", "");
    out.push("| limit | measured |", "|---|---|", ...limits);
  }
  return `${out.join("\n")}\n`;
}
