import { SPECIES } from "./penguins.ts";
import type { Choice, Rated, Verdict } from "./steps.ts";
import { accuracy, MEASUREMENT_NAMES, rankChoices } from "./summary.ts";

const WIDTH = 1280;
const HEIGHT = 830;
const LEFT = 48;
/** Of the dots that say which measurements count, and of the cells beside them. */
const DOTS = { left: 66, step: 38 };
const CELLS = { left: 222, top: 222, width: 54, height: 36 };
const SCATTER = { left: 858, top: 222, width: 374, height: 330 };
/** The two measurements of the scatter plot, and the ranges it shows. */
const X = { measurement: 0, from: 32, to: 60, ticks: [35, 40, 45, 50, 55], unit: "mm" };
const Y = { measurement: 1, from: 12.5, to: 22, ticks: [14, 16, 18, 20], unit: "mm" };

const INK = "#14212e";
const DIM = "#6b7a88";
const PAPER = "#f6f8f9";
const MARK = "#ff7a1a";
const SPECIES_COLORS = ["#ff7a1a", "#a03bc4", "#0f8b8d"] as const;
const FONT = "Inter, 'Helvetica Neue', Helvetica, 'DejaVu Sans', Arial, sans-serif";

/** From snow to deep sea. */
const PALETTE = [
  [228, 238, 244],
  [176, 210, 228],
  [98, 165, 205],
  [38, 110, 168],
  [14, 62, 116],
  [6, 28, 62],
] as const;
/** What is no better is as bright as can be; most of the scale is for what is close to perfect. */
const ACCURACY_MIN = 0.6;
const STRETCH = 1.6;

const shareOf = (value: number): number =>
  Math.max((value - ACCURACY_MIN) / (1 - ACCURACY_MIN), 0) ** STRETCH;

function color(value: number): string {
  const position = shareOf(value) * (PALETTE.length - 1);
  const low = Math.min(Math.floor(position), PALETTE.length - 2);
  const from = PALETTE[low] ?? PALETTE[0];
  const to = PALETTE[low + 1] ?? from;
  const mixed = from.map((part, i) => Math.round(part + ((to[i] ?? 0) - part) * (position - low)));
  return `rgb(${mixed.join(",")})`;
}

const round = (value: number): string => value.toFixed(1);

type TextStyle = {
  size?: number;
  fill?: string;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
  /** Degrees, clockwise, around the point. */
  turn?: number;
};

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 13, fill = DIM, anchor = "start", bold = false, turn = 0 } = style;
  const weight = bold ? ' font-weight="700"' : "";
  const rotate = turn === 0 ? "" : ` transform="rotate(${turn} ${round(x)} ${round(y)})"`;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}${rotate}>${content}</text>`;
}

/** Dots of a row, joined by a line: filled for the measurements that count. */
function measurementDots(row: number, measurements: readonly number[]): string[] {
  const y = CELLS.top + (row + 0.5) * CELLS.height;
  const x = (m: number): number => DOTS.left + m * DOTS.step;
  const [first = 0, last = 0] = [measurements[0], measurements.at(-1)];
  return [
    `<path d="M${x(first)} ${round(y)}H${x(last)}" stroke="${INK}" stroke-width="3"/>`,
    ...MEASUREMENT_NAMES.map((_, m) => {
      const fill = measurements.includes(m) ? INK : "#d5dde3";
      return `<circle cx="${x(m)}" cy="${round(y)}" r="7" fill="${fill}"/>`;
    }),
  ];
}

function cell(row: number, column: number, point: Rated): string[] {
  const x = CELLS.left + column * CELLS.width;
  const y = CELLS.top + row * CELLS.height;
  const value = accuracy(point);
  return [
    `<rect x="${x + 1}" y="${y + 1}" width="${CELLS.width - 2}" height="${CELLS.height - 2}" rx="3" fill="${color(value)}"/>`,
    text(x + CELLS.width / 2, y + CELLS.height / 2 + 4.5, (value * 100).toFixed(1), {
      fill: shareOf(value) > 0.4 ? "#ffffff" : INK,
      anchor: "middle",
    }),
  ];
}

function heatMap({ best, grid }: Choice): string[] {
  const rows = rankChoices(grid);
  const isBest = ({ measurements, neighbors }: Rated): boolean =>
    neighbors === best.neighbors && measurements.join() === best.measurements.join();
  const bestRow = rows.findIndex((row) => row.some(isBest));
  const bestColumn = rows[bestRow]?.findIndex(isBest) ?? 0;
  const middle = CELLS.left + ((rows[0]?.length ?? 0) * CELLS.width) / 2;
  return [
    ...MEASUREMENT_NAMES.map((name, m) =>
      text(DOTS.left + m * DOTS.step + 3, CELLS.top - 10, name, { fill: INK, turn: -48 }),
    ),
    text(middle, CELLS.top - 36, "neighbors that are asked", { anchor: "middle" }),
    ...(rows[0] ?? []).map(({ neighbors }, column) =>
      text(CELLS.left + (column + 0.5) * CELLS.width, CELLS.top - 12, String(neighbors), {
        size: 14,
        fill: INK,
        anchor: "middle",
      }),
    ),
    ...rows.flatMap((row, i) => [
      ...measurementDots(i, row[0]?.measurements ?? []),
      ...row.flatMap((point, column) => cell(i, column, point)),
    ]),
    `<rect x="${CELLS.left + bestColumn * CELLS.width - 1}" y="${CELLS.top + bestRow * CELLS.height - 1}" width="${CELLS.width + 2}" height="${CELLS.height + 2}" rx="5" fill="none" stroke="${MARK}" stroke-width="4"/>`,
  ];
}

function scatter(verdicts: readonly Verdict[]): string[] {
  const { left, top, width, height } = SCATTER;
  const x = (value: number): number => left + ((value - X.from) / (X.to - X.from)) * width;
  const y = (value: number): number => top + height - ((value - Y.from) / (Y.to - Y.from)) * height;
  const points = verdicts.flatMap(({ measured, species, predicted }) => {
    const [cx, cy] = [x(measured[X.measurement] ?? 0), y(measured[Y.measurement] ?? 0)];
    const at = `cx="${round(cx)}" cy="${round(cy)}"`;
    const dot = `<circle ${at} r="5.5" fill="${SPECIES_COLORS[species]}" fill-opacity="0.85"/>`;
    if (species === predicted) return [dot];
    return [dot, `<circle ${at} r="11" fill="none" stroke="${INK}" stroke-width="2"/>`];
  });
  return [
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="6" fill="#ffffff" stroke="#dde4e9"/>`,
    ...X.ticks.flatMap((tick) => [
      `<path d="M${round(x(tick))} ${top}v${height}" stroke="#edf1f4"/>`,
      text(x(tick), top + height + 20, String(tick), { anchor: "middle" }),
    ]),
    ...Y.ticks.flatMap((tick) => [
      `<path d="M${left} ${round(y(tick))}h${width}" stroke="#edf1f4"/>`,
      text(left - 8, y(tick) + 4.5, String(tick), { anchor: "end" }),
    ]),
    text(left + width / 2, top + height + 42, `${MEASUREMENT_NAMES[X.measurement]}, ${X.unit}`, {
      anchor: "middle",
    }),
    text(left - 36, top + height / 2, `${MEASUREMENT_NAMES[Y.measurement]}, ${Y.unit}`, {
      anchor: "middle",
      turn: -90,
    }),
    ...points,
    ...SPECIES.flatMap((name, species) => {
      const at = left + 8 + species * 122;
      return [
        `<circle cx="${at}" cy="${top - 18}" r="5.5" fill="${SPECIES_COLORS[species]}"/>`,
        text(at + 12, top - 13, name, { size: 14, fill: INK }),
      ];
    }),
  ];
}

/**
 * Draws how well each point of the grid does, the best choice of measurements at the top, and what
 * the best point makes of the penguins that were kept for the end.
 * @returns an SVG document, 1280 x 830
 */
export function drawGrid(choice: Choice, verdicts: readonly Verdict[]): string {
  const { best } = choice;
  const right = verdicts.filter(({ species, predicted }) => species === predicted).length;
  const wrong = verdicts.length - right;
  const names = best.measurements.map((m) => MEASUREMENT_NAMES[m]).join(", ");
  const panelX = SCATTER.left - 44;
  const panelY = SCATTER.top + SCATTER.height + 100;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}">`,
    "<title>Which measurements tell penguins apart?</title>",
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${PAPER}"/>`,
    text(LEFT, 62, "Which measurements tell penguins apart?", { size: 30, fill: INK, bold: true }),
    text(
      LEFT,
      92,
      `${best.total} penguins, each told by those that are most like it: percent told right, by cross-validation`,
      { size: 16 },
    ),
    ...heatMap(choice),
    text(SCATTER.left, 156, "Those kept for the end", { size: 18, fill: INK, bold: true }),
    ...scatter(verdicts),
    text(panelX, panelY, `${right} of ${verdicts.length}`, { size: 34, fill: MARK, bold: true }),
    text(panelX + 168, panelY - 16, "penguins that nobody had seen are told right", { size: 12 }),
    text(panelX + 168, panelY + 2, `by ${best.neighbors} neighbors; ${wrong} wrong, in a ring`, {
      size: 12,
    }),
    text(panelX, panelY + 34, `The best: ${names}`, { size: 14, fill: INK }),
    text(
      LEFT,
      HEIGHT - 26,
      "Data: K. Gorman et al., palmerpenguins, by way of vega-datasets. Computed with HyperLoom.",
      { size: 12 },
    ),
    "</svg>",
  ].join("\n")}\n`;
}
