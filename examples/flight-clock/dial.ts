import {
  BAND_MILES,
  BANDS,
  type Cell,
  listCells,
  QUARTERS,
  type Quarter,
  type Report,
} from "./report.ts";

const WIDTH = 1280;
const HEIGHT = 900;
const CENTER = { x: 450, y: 450 };
/** Radii: of the nearest flights, of the farthest, and of the rim that shows delays. */
const HUB = 118;
const EDGE = 338;
const RIM = 396;
/** Length of a bar of the rim for each minute of delay; what is longer is cut. */
const RIM_PER_MINUTE = 0.36;
const RIM_MINUTES_MAX = 130;
/** Quantiles of fewer flights say little. */
const RIM_FLIGHTS_MIN = 300;
const NUMERALS = 364;
const PANEL_X = 918;
/** Sizes of dots: of a single flight, and how much is added for the fullest cell. */
const DOT = { smallest: 0.8, growth: 5.2 };

const INK = "#f2ede4";
const DIM = "#8f97a8";
const BACKGROUND = "#0d1117";
const FONT = "Inter, 'Helvetica Neue', Helvetica, 'DejaVu Sans', Arial, sans-serif";

/** From never late to half of them late. */
const PALETTE = [
  [66, 214, 200],
  [130, 220, 165],
  [245, 224, 130],
  [255, 160, 84],
  [246, 84, 84],
  [214, 40, 110],
] as const;
const LATE_SHARE_MAX = 0.5;
/** A cell of few flights says little: so many flights of the average kind are added to each. */
const PRIOR_FLIGHTS = 8;

function color(lateShare: number): string {
  const position = Math.min(lateShare / LATE_SHARE_MAX, 1) * (PALETTE.length - 1);
  const low = Math.min(Math.floor(position), PALETTE.length - 2);
  const from = PALETTE[low] ?? PALETTE[0];
  const to = PALETTE[low + 1] ?? from;
  const mixed = from.map((value, i) =>
    Math.round(value + ((to[i] ?? 0) - value) * (position - low)),
  );
  return `rgb(${mixed.join(",")})`;
}

type Totals = { readonly flights: number; readonly late: number; readonly most: number };

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const clock = (quarter: number): string =>
  `${String(Math.floor(quarter / 4) % 24).padStart(2, "0")}:00`;
const radiusOf = (miles: number): number => HUB + (miles / (BANDS * BAND_MILES)) * (EDGE - HUB);
const barLength = (delayMin: number): number =>
  Math.min(Math.max(delayMin, 0), RIM_MINUTES_MAX) * RIM_PER_MINUTE;
const round = (value: number): string => value.toFixed(1);

/** A point of the dial: midnight is at the top, noon at the bottom. */
function point(quarter: number, radius: number): { x: number; y: number } {
  const angle = (quarter / QUARTERS) * 2 * Math.PI;
  return { x: CENTER.x + radius * Math.sin(angle), y: CENTER.y - radius * Math.cos(angle) };
}

type TextStyle = {
  size?: number;
  fill?: string;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
};

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 14, fill = DIM, anchor = "start", bold = false } = style;
  const weight = bold ? ' font-weight="700"' : "";
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}>${content}</text>`;
}

function dot(x: number, y: number, share: number, fill: string): string {
  const size = DOT.smallest + DOT.growth * Math.sqrt(share);
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${size.toFixed(2)}" fill="${fill}"/>`;
}

function dots(cells: readonly Cell[], { flights, late, most }: Totals): string {
  return cells
    .map((cell) => {
      const { x, y } = point(cell.quarter + 0.5, radiusOf((cell.band + 0.5) * BAND_MILES));
      const prior = PRIOR_FLIGHTS * (late / flights);
      const lateShare = (cell.late + prior) / (cell.flights + PRIOR_FLIGHTS);
      return dot(x, y, cell.flights / most, color(lateShare));
    })
    .join("\n");
}

/** How late one in ten is, as bars outside of the dial. */
function rim(quarters: readonly Quarter[]): string {
  return quarters
    .filter(({ flights }) => flights >= RIM_FLIGHTS_MIN)
    .map(({ quarter, delayMinP90 }) => {
      const from = point(quarter + 0.5, RIM);
      const to = point(quarter + 0.5, RIM + barLength(delayMinP90));
      return `<path d="M${round(from.x)} ${round(from.y)}L${round(to.x)} ${round(to.y)}"/>`;
    })
    .join("\n");
}

function face(): string {
  const rings = [500, 1000, 1500, 2000, 2500].flatMap((miles) => {
    const radius = radiusOf(miles);
    const label = point(13, radius);
    return [
      `<circle cx="${CENTER.x}" cy="${CENTER.y}" r="${round(radius)}" fill="none" stroke="${INK}" stroke-opacity="0.13" stroke-dasharray="1 5"/>`,
      text(label.x + 6, label.y + 4, miles.toLocaleString("en-US"), { size: 11 }),
    ];
  });
  const hours = Array.from({ length: 24 }, (_, hour) => {
    const { x, y } = point(hour * 4, NUMERALS);
    const isMain = hour % 6 === 0;
    return text(x, y + 5, clock(hour * 4), {
      size: isMain ? 16 : 12,
      anchor: "middle",
      fill: isMain ? INK : DIM,
      bold: isMain,
    });
  });
  return [...rings, ...hours].join("\n");
}

function hub({ flights, late }: Totals): string {
  const { x, y } = CENTER;
  return [
    text(x, y - 6, flights.toLocaleString("en-US"), {
      size: 30,
      fill: INK,
      anchor: "middle",
      bold: true,
    }),
    text(x, y + 18, "flights", { size: 15, anchor: "middle" }),
    text(x, y + 42, `${percent(late / flights)} late`, { size: 15, fill: INK, anchor: "middle" }),
  ].join("\n");
}

function colorScale(top: number): string {
  const steps = 60;
  const width = 250;
  const swatches = Array.from({ length: steps }, (_, i) => {
    const share = ((i + 0.5) / steps) * LATE_SHARE_MAX;
    const x = PANEL_X + (i / steps) * width;
    return `<rect x="${round(x)}" y="${top}" width="${round(width / steps + 0.4)}" height="10" fill="${color(share)}"/>`;
  });
  return [
    '<g shape-rendering="crispEdges">',
    ...swatches,
    "</g>",
    ...[0, 0.25, 0.5].map((share) => {
      const x = PANEL_X + (share / LATE_SHARE_MAX) * width;
      const label = share === 0.5 ? "50 % or more" : `${share * 100} %`;
      return text(x, top + 28, label, { size: 12, anchor: share === 0 ? "start" : "middle" });
    }),
  ].join("\n");
}

function sizeScale(top: number, most: number): string {
  return [1, 50, 200, 400]
    .filter((flights) => flights <= most)
    .flatMap((flights, i) => {
      const x = PANEL_X + 6 + i * 66;
      const label = text(x + 12, top + 4, String(flights), { size: 12 });
      return [dot(x, top, flights / most, INK), label];
    })
    .join("\n");
}

/** The hour with the least and with the greatest share of late flights, among those in which much flies. */
function extremes(cells: readonly Cell[], { flights }: Totals, top: number): string {
  const hours = Array.from({ length: 24 }, (_, hour) => ({ hour, flights: 0, late: 0 }));
  for (const cell of cells) {
    const hour = hours[Math.floor(cell.quarter / 4)];
    if (hour === undefined) continue;
    hour.flights += cell.flights;
    hour.late += cell.late;
  }
  const busy = hours.filter((hour) => hour.flights >= flights / 50);
  const [best, worst] = [Math.min, Math.max].map((choose) => {
    const share = choose(...busy.map((hour) => hour.late / hour.flights));
    return busy.find((hour) => hour.late / hour.flights === share);
  });
  return [best, worst]
    .map((hour, i) => {
      if (hour === undefined) return "";
      const y = top + i * 66;
      const share = hour.late / hour.flights;
      const span = `${clock(hour.hour * 4)} to ${clock(hour.hour * 4 + 4)}`;
      return [
        text(PANEL_X, y, percent(share), { size: 28, fill: color(share), bold: true }),
        text(PANEL_X + 108, y - 12, i === 0 ? "late in the best hour" : "late in the worst hour"),
        text(PANEL_X + 108, y + 5, span, { fill: INK }),
      ].join("\n");
    })
    .join("\n");
}

/**
 * Draws the report as a dial of 24 hours: the angle of a dot is the time of day, its distance from
 * the center the distance that is flown, its area the number of flights, its color the share of late
 * ones. The bars around the dial show how late one flight in ten is.
 * @returns an SVG document, 1280 x 900
 */
export function drawDial(report: Report): string {
  const cells = listCells(report.tally);
  const totals: Totals = {
    flights: cells.reduce((sum, cell) => sum + cell.flights, 0),
    late: cells.reduce((sum, cell) => sum + cell.late, 0),
    most: cells.reduce((max, cell) => Math.max(max, cell.flights), 1),
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}">
<title>Flights by time of day, distance and delay</title>
<defs><radialGradient id="sky"><stop offset="0" stop-color="#1b2233"/><stop offset="1" stop-color="${BACKGROUND}"/></radialGradient></defs>
<rect width="${WIDTH}" height="${HEIGHT}" fill="${BACKGROUND}"/>
<circle cx="${CENTER.x}" cy="${CENTER.y}" r="${RIM + 60}" fill="url(#sky)"/>
${face()}
${dots(cells, totals)}
<g stroke="${INK}" stroke-opacity="0.8" stroke-width="3.5" stroke-linecap="round">
${rim(report.quarters)}
<path d="M${PANEL_X + 2} 644h${round(barLength(60))}"/>
</g>
${hub(totals)}
${text(PANEL_X, 150, "The day runs late", { size: 32, fill: INK, bold: true })}
${text(PANEL_X, 182, "Flights in the United States by the time", { size: 15 })}
${text(PANEL_X, 203, "at which they leave and how far they go", { size: 15 })}
${extremes(cells, totals, 272)}
${text(PANEL_X, 410, "Color: more than 15 minutes late", { size: 13, fill: INK })}
${colorScale(424)}
${text(PANEL_X, 500, `Size: flights in 15 minutes and ${BAND_MILES} miles`, { size: 13, fill: INK })}
${sizeScale(522, totals.most)}
${text(PANEL_X, 576, "Distance from the middle: miles flown", { size: 13, fill: INK })}
${text(PANEL_X, 606, "Bars around the dial: one flight in ten", { size: 13, fill: INK })}
${text(PANEL_X, 624, "is later than this", { size: 13, fill: INK })}
${text(PANEL_X + 40, 648, "60 minutes", { size: 12 })}
${text(PANEL_X, 820, "Data: U.S. Bureau of Transportation Statistics,", { size: 12 })}
${text(PANEL_X, 838, "by way of vega-datasets (flights-200k).", { size: 12 })}
${text(PANEL_X, 856, "Computed with HyperLoom.", { size: 12 })}
</svg>
`;
}
