import { formatFigure } from "../harness/format.ts";
import { type ResultLine, valuesOf } from "../harness/results.ts";
import { median } from "../harness/statistics.ts";
import {
  bottomAxis,
  decades,
  endLabels,
  leftAxis,
  linearScale,
  logScale,
  roundTicks,
} from "./axes.ts";
import { PEER_THROUGHPUT, PEER_TRANSFERS } from "./peers.ts";
import { COLORS, drawing, INK, line, PLOT, polyline, rectangle, text } from "./svg.ts";

/** The drawings that can be made of these results, by file name. */
export function drawPlots(lines: readonly ResultLine[]): ReadonlyMap<string, string> {
  const plots: readonly (readonly [
    string,
    (lines: readonly ResultLine[]) => string | undefined,
  ])[] = [
    ["throughput.svg", drawThroughput],
    ["cost.svg", drawCost],
    ["transfers.svg", drawTransfers],
  ];
  return new Map(
    plots.flatMap(([name, draw]) => {
      const svg = draw(lines.filter(({ subject }) => subject === "this"));
      return svg === undefined ? [] : [[name, svg] as const];
    }),
  );
}

/** A number on an axis: without zeros after the point. */
const short = (value: number): string =>
  formatFigure("", value).replace(/\.(\d*?)0+(?=\D*$)/, (_, kept) =>
    kept === "" ? "" : `.${kept}`,
  );

/** Number of tasks that the name of a case of row 1 begins with, such as "100k tasks, 1 worker". */
function sizeOf(name: string): number {
  return Number(/^(\d+)k/.exec(name)?.[1] ?? Number.NaN) * 1000;
}

/** Medians of a figure of row 1 by number of tasks, ascending. */
function pointsOfRow1(
  lines: readonly ResultLine[],
  suffix: string,
  figure: string,
): [number, number][] {
  const own = lines.filter((line) => line.row === 1 && line.case.endsWith(suffix));
  const sizes = [...new Set(own.map((line) => sizeOf(line.case)))].sort((a, b) => a - b);
  return sizes.flatMap((size): [number, number][] => {
    const values = valuesOf(
      own.filter((line) => sizeOf(line.case) === size),
      figure,
    );
    return values.length === 0 ? [] : [[size, median(values)]];
  });
}

/** Tasks per second over the number of tasks, ours and those of the peers. */
function drawThroughput(lines: readonly ResultLine[]): string | undefined {
  const series = [
    { name: "HyperLoom, 1 worker", points: pointsOfRow1(lines, ", 1 worker", "tasksPerSecond") },
    { name: "HyperLoom, 2 workers", points: pointsOfRow1(lines, ", 2 workers", "tasksPerSecond") },
    ...PEER_THROUGHPUT,
  ].filter(({ points }) => points.length > 0);
  if (!lines.some(({ row }) => row === 1)) return undefined;
  const values = series.flatMap(({ points }) => points.map(([, rate]) => rate));
  const range = [1e3, Math.max(1e6, ...values)] as const;
  const x = logScale([10_000, 1_000_000], PLOT.left + 12, PLOT.right);
  const y = logScale(range, PLOT.bottom, PLOT.top);
  const body = series.flatMap(({ points }, index) =>
    polyline(
      points.map(([size, rate]) => [x(size), y(rate)]),
      COLORS[index] ?? INK,
    ),
  );
  const labels = series.map(({ name, points }, index) => ({
    text: name,
    y: y(points.at(-1)?.[1] ?? range[0]),
    color: COLORS[index] ?? INK,
  }));
  return drawing(
    "Throughput: independent trivial tasks in one plan",
    "Tasks per second, first byte of the plan to its result; 2 cores, all processes on them",
    [
      ...leftAxis(decades(range), y, short),
      ...bottomAxis([10_000, 100_000, 1_000_000], x, short, "tasks in the plan"),
      ...body,
      ...endLabels(labels),
    ],
  );
}

/** CPU time of a task in each process, as bars on each other, by number of tasks. */
function drawCost(lines: readonly ResultLine[]): string | undefined {
  const parts = ["server", "worker", "client"].map((name) => ({
    name,
    points: pointsOfRow1(lines, ", 1 worker", `${name}CpuUsPerTask`),
  }));
  const sizes = parts[0]?.points.map(([size]) => size) ?? [];
  if (sizes.length === 0) return undefined;
  const valueAt = ({ points }: (typeof parts)[number], index: number): number =>
    points.find(([size]) => size === sizes[index])?.[1] ?? 0;
  const totals = sizes.map((_, index) =>
    parts.reduce((sum, part) => sum + valueAt(part, index), 0),
  );
  const high = Math.max(...totals) * 1.1;
  const y = linearScale(high, PLOT.bottom, PLOT.top);
  const step = (PLOT.right - PLOT.left) / sizes.length;
  const barWidth = Math.min(90, step * 0.55);
  const centerOf = (index: number): number => PLOT.left + (index + 0.5) * step;
  const bars = sizes.flatMap((_, index) => {
    let below = 0;
    const left = centerOf(index) - barWidth / 2;
    const pieces = parts.map((part, number) => {
      const value = valueAt(part, index);
      const top = y(below + value);
      const piece = rectangle(left, top, barWidth, y(below) - top, COLORS[number] ?? INK);
      below += value;
      return piece;
    });
    const total = formatFigure("us", totals[index] ?? 0);
    const label = text(centerOf(index), y(below) - 6, total, { anchor: "middle", color: INK });
    return [...pieces, label];
  });
  const legend = [...parts].reverse().map((part, index) => {
    const color = COLORS[parts.indexOf(part)] ?? INK;
    return text(PLOT.right + 10, PLOT.top + 16 + 18 * index, part.name, { color, weight: 600 });
  });
  return drawing(
    "What a task costs: CPU time of all processes",
    "Microseconds a task, independent trivial tasks, one worker; flat is good",
    [
      ...leftAxis(roundTicks(high), y, short),
      ...sizes.map((size, index) =>
        text(centerOf(index), PLOT.bottom + 20, `${short(size)} tasks`, { anchor: "middle" }),
      ),
      ...bars,
      ...legend,
    ],
  );
}

type Bar = { readonly name: string; readonly value: number; readonly color: string };

/** Transfer rates beside what two bare processes reach in the same minute. */
function drawTransfers(lines: readonly ResultLine[]): string | undefined {
  const own = lines.filter(({ row }) => row === 13);
  const rateOf = (part: string, figure: string): number =>
    median(
      valuesOf(
        own.filter((line) => line.case.includes(part)),
        figure,
      ),
    );
  const [us = INK, , pair = INK, , grey = INK] = COLORS;
  const bars: readonly Bar[] = [
    { name: "two hosts", value: rateOf("two hosts", "bytesPerSecond"), color: us },
    {
      name: "  bare socket pair there",
      value: rateOf("two hosts", "socketPairBytesPerSecond"),
      color: pair,
    },
    { name: "one host", value: rateOf("one host", "bytesPerSecond"), color: us },
    { name: "to the client", value: rateOf("to the client", "bytesPerSecond"), color: us },
    {
      name: "  bare socket pair here",
      value: rateOf("to the client", "socketPairBytesPerSecond"),
      color: pair,
    },
    { name: "original, workers", value: PEER_TRANSFERS.original, color: grey },
    { name: "original, client", value: PEER_TRANSFERS.originalClient, color: grey },
    { name: "Dask, workers", value: PEER_TRANSFERS.dask, color: grey },
  ].filter(({ value }) => Number.isFinite(value));
  if (own.length === 0) return undefined;
  const left = PLOT.left + 110;
  const high = Math.max(...bars.map(({ value }) => value));
  const x = linearScale(high, left, PLOT.right + 50);
  const step = (PLOT.bottom + 20 - PLOT.top) / bars.length;
  return drawing(
    "Transfers of one large object",
    "Bytes per second; green is what two bare Node processes reach in the same minute",
    [
      line([left, PLOT.top], [left, PLOT.bottom + 20]),
      ...bars.flatMap(({ name, value, color }, index) => {
        const top = PLOT.top + index * step;
        return [
          text(left - 8, top + step / 2 + 4, name, { anchor: "end", color: INK }),
          rectangle(left, top + step * 0.18, x(value) - left, step * 0.64, color),
          text(x(value) + 6, top + step / 2 + 4, formatFigure("bytesPerSecond", value)),
        ];
      }),
    ],
  );
}
