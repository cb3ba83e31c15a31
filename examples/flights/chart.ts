import { CELL_MINUTES, type Cell, type DelayReport, type Hour } from "./report.ts";

const WIDTH = 1280;
const HEIGHT = 820;
const PLOT = { left: 86, top: 236, width: 1072, height: 480 };
const BARS = { top: 142, height: 84 };
const DELAY_MIN = { from: -30, to: 120 };
/** Quarter of an hour at which the chart's day begins: 04:00, when the night's last flights are in. */
const FIRST_QUARTER = 16;
const QUARTERS = 96;
/** Quantiles of an hour with fewer flights say little. */
const MIN_FLIGHTS = 2_000;

const INK = "#e9edf5";
const DIM = "#8b95ad";
const BACKGROUND = "#0c1020";
const MEDIAN = "#ffffff";
const UPPER = "#5ee0ff";
const FONT = "Inter, 'Helvetica Neue', Helvetica, 'DejaVu Sans', Arial, sans-serif";

/** Perceptually even steps from dark to bright (matplotlib's inferno, CC0). */
const PALETTE = [
  [12, 16, 32],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const;

function color(share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (PALETTE.length - 1);
  const low = Math.min(Math.floor(at), PALETTE.length - 2);
  const from = PALETTE[low] ?? PALETTE[0];
  const to = PALETTE[low + 1] ?? from;
  const mixed = from.map((value, i) => Math.round(value + ((to[i] ?? 0) - value) * (at - low)));
  return `rgb(${mixed.join(",")})`;
}

const round = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

const columnOf = (quarter: number): number => (quarter - FIRST_QUARTER + QUARTERS) % QUARTERS;
const x = (column: number): number => PLOT.left + (column / QUARTERS) * PLOT.width;
const y = (delayMin: number): number =>
  PLOT.top +
  PLOT.height -
  ((delayMin - DELAY_MIN.from) / (DELAY_MIN.to - DELAY_MIN.from)) * PLOT.height;

type TextStyle = {
  size?: number;
  fill?: string;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
};

function text(atX: number, atY: number, content: string, style: TextStyle = {}): string {
  const { size = 14, fill = DIM, anchor = "start", bold = false } = style;
  const weight = bold ? ' font-weight="700"' : "";
  return `<text x="${round(atX)}" y="${round(atY)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}>${content}</text>`;
}

function heatMap(cells: readonly Cell[]): string {
  const shown = cells.filter(
    ({ delayMin }) => delayMin >= DELAY_MIN.from && delayMin + CELL_MINUTES <= DELAY_MIN.to,
  );
  const most = shown.reduce((max, { flights }) => Math.max(max, flights), 1);
  const width = PLOT.width / QUARTERS;
  const height = y(0) - y(CELL_MINUTES);
  return shown
    .map(({ quarter, delayMin, flights }) => {
      // A root, so that the few very late flights are seen beside the many that are on time.
      const fill = color((flights / most) ** 0.4);
      const left = round(x(columnOf(quarter)));
      const top = round(y(delayMin + CELL_MINUTES));
      return `<rect x="${left}" y="${top}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;
    })
    .join("\n");
}

function trafficBars(cells: readonly Cell[]): string {
  const flights = new Array<number>(QUARTERS).fill(0);
  for (const cell of cells) {
    const column = columnOf(cell.quarter);
    flights[column] = (flights[column] ?? 0) + cell.flights;
  }
  const most = Math.max(...flights, 1);
  const width = PLOT.width / QUARTERS;
  return flights
    .map((count, column) => {
      const height = (count / most) * BARS.height;
      const top = BARS.top + BARS.height - height;
      return `<rect x="${round(x(column) + 0.75)}" y="${round(top)}" width="${round(width - 1.5)}" height="${round(height)}" rx="1.5" fill="#46527a"/>`;
    })
    .join("\n");
}

/** A smooth line through one value for each hour (Catmull-Rom, as Bezier curves). */
function curve(points: readonly (readonly [number, number])[]): string {
  const at = (i: number) => points[Math.min(Math.max(i, 0), points.length - 1)] ?? [0, 0];
  const [startX, startY] = at(0);
  let path = `M${round(startX)} ${round(startY)}`;
  for (let i = 0; i + 1 < points.length; i++) {
    const [before, from, to, after] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const c1 = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
    const c2 = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
    path += `C${[...c1, ...c2, ...to].map(round).join(" ")}`;
  }
  return path;
}

function quantileLine(
  hours: readonly Hour[],
  value: (hour: Hour) => number,
  stroke: string,
  name: string,
): string {
  const points = hours.map((hour) => [x(columnOf(hour.hour * 4) + 2), y(value(hour))] as const);
  const last = points.at(-1) ?? [0, 0];
  const path = curve(points);
  return [
    `<path d="${path}" fill="none" stroke="${BACKGROUND}" stroke-opacity="0.65" stroke-width="6"/>`,
    `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="2.6" stroke-linecap="round"/>`,
    `<circle cx="${round(last[0])}" cy="${round(last[1])}" r="4.5" fill="${stroke}"/>`,
    text(last[0] + 12, last[1] + 5, name, { size: 14, fill: stroke, bold: true }),
  ].join("\n");
}

function axes(): string {
  const parts: string[] = [];
  for (let delayMin = DELAY_MIN.from; delayMin <= DELAY_MIN.to; delayMin += 30) {
    const at = y(delayMin);
    const label =
      delayMin === 0 ? "on time" : `${delayMin > 0 ? "+" : "\u2212"}${Math.abs(delayMin)} min`;
    const [opacity, dash] = delayMin === 0 ? [0.55, ""] : [0.16, ' stroke-dasharray="2 5"'];
    parts.push(
      `<line x1="${PLOT.left}" x2="${PLOT.left + PLOT.width}" y1="${round(at)}" y2="${round(at)}" stroke="${INK}" stroke-opacity="${opacity}"${dash}/>`,
      text(PLOT.left - 12, at + 5, label, {
        size: 13,
        anchor: "end",
        fill: delayMin === 0 ? INK : DIM,
      }),
    );
  }
  for (let step = 0; step <= 24; step += 2) {
    const hour = (FIRST_QUARTER / 4 + step) % 24;
    const at = x(step * 4);
    parts.push(
      `<line x1="${round(at)}" x2="${round(at)}" y1="${PLOT.top + PLOT.height}" y2="${PLOT.top + PLOT.height + 6}" stroke="${DIM}"/>`,
      text(at, PLOT.top + PLOT.height + 24, `${String(hour).padStart(2, "0")}:00`, {
        size: 13,
        anchor: "middle",
      }),
    );
  }
  return parts.join("\n");
}

function legend(): string {
  const steps = 48;
  const width = 150;
  const left = PLOT.left + PLOT.width - width - 50;
  const top = 76;
  const swatches = Array.from({ length: steps }, (_, i) => {
    const at = left + (i / steps) * width;
    return `<rect x="${round(at)}" y="${top}" width="${round(width / steps + 0.4)}" height="10" fill="${color(i / (steps - 1))}"/>`;
  });
  return [
    `<g shape-rendering="crispEdges">${swatches.join("")}</g>`,
    text(left - 10, top + 10, "few flights", { size: 13, anchor: "end" }),
    text(left + width + 10, top + 10, "many", { size: 13 }),
  ].join("\n");
}

/**
 * Draws the report: a heat map of time of day against delay, the quantiles on top of it, and the
 * traffic above. The day runs from 04:00 to 04:00, and hours with very few flights have no quantiles.
 * @returns an SVG document, 1280 x 820
 */
export function drawChart(report: DelayReport): string {
  const flights = report.cells.reduce((sum, cell) => sum + cell.flights, 0);
  const hours = report.hours
    .filter((hour) => hour.flights >= MIN_FLIGHTS)
    .sort((a, b) => columnOf(a.hour * 4) - columnOf(b.hour * 4));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}">
<title>Delays of flights by time of day</title>
<defs><clipPath id="plot"><rect x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.width}" height="${PLOT.height}"/></clipPath></defs>
<rect width="${WIDTH}" height="${HEIGHT}" fill="${BACKGROUND}"/>
${text(PLOT.left, 58, "Fly early: delays pile up through the day", { size: 30, fill: INK, bold: true })}
${text(PLOT.left, 86, `${flights.toLocaleString("en-US")} flights in the United States, by time of day and delay`, { size: 16 })}
${legend()}
${text(PLOT.left, BARS.top - 10, "Flights in each quarter of an hour", { size: 13 })}
${trafficBars(report.cells)}
<g clip-path="url(#plot)" shape-rendering="crispEdges">
${heatMap(report.cells)}
</g>
${axes()}
${quantileLine(hours, (hour) => hour.delayMinP90, UPPER, "1 in 10 is later")}
${quantileLine(hours, (hour) => hour.delayMinP50, MEDIAN, "median")}
${text(PLOT.left + PLOT.width / 2, HEIGHT - 46, "Time of day", { size: 14, anchor: "middle" })}
${text(PLOT.left, HEIGHT - 18, "Data: U.S. Bureau of Transportation Statistics, by way of vega-datasets (flights-200k). Computed with HyperLoom.", { size: 12 })}
</svg>
`;
}
