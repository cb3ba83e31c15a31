/** Pieces of SVG as text. Sizes are pixels of a drawing of 720 x 400. */
export const WIDTH = 720;
export const HEIGHT = 400;
export const PLOT: { left: number; right: number; top: number; bottom: number } = {
  left: 72,
  right: WIDTH - 176,
  top: 64,
  bottom: HEIGHT - 52,
};

export const INK = "#1f2933";
export const FAINT = "#d9dee4";
const MUTED = "#6b7785";
/** Colors that people with any kind of color vision can tell apart (Okabe and Ito). */
export const COLORS: readonly string[] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a8a8a"];

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export type TextOptions = {
  readonly size?: number;
  readonly color?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: number;
};

export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { size = 12, color = MUTED, anchor = "start", weight = 400 } = options;
  const style = `font-size="${size}" fill="${color}" text-anchor="${anchor}" font-weight="${weight}"`;
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${escapeText(content)}</text>`;
}

export function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  color: string = FAINT,
  dash = "",
): string {
  const dashes = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  const ends = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line ${ends} stroke="${color}"${dashes}/>`;
}

export function polyline(points: readonly (readonly [number, number])[], color: string): string {
  const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
  const dots = points.map(
    ([x, y]) =>
      `<circle cx="${round(x)}" cy="${round(y)}" r="3.5" fill="${color}" stroke="#fff" stroke-width="1.5"/>`,
  );
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2.5" stroke-linejoin="round"/>${dots.join("")}`;
}

export function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  color: string,
): string {
  const box = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  return `<rect ${box} fill="${color}"/>`;
}

/** The whole drawing, on white, so that it can be read on any page. */
export function drawing(title: string, subtitle: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" role="img">`,
    `<title>${escapeText(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="6" fill="#ffffff"/>`,
    text(24, 30, title, { size: 16, color: INK, weight: 600 }),
    text(24, 48, subtitle, { size: 12 }),
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** A tenth of a pixel is enough, and keeps differences between two drawings small. */
export const round = (value: number): number => Math.round(value * 10) / 10;
