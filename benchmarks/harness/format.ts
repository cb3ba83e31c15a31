const SCALES: readonly (readonly [number, string])[] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** The number and its letter, with `space` between number and what follows. */
function scaled(value: number, space = ""): string {
  for (const [factor, letter] of SCALES) {
    if (Math.abs(value) >= factor) return `${digits(value / factor)}${space}${letter}`;
  }
  return `${digits(value)}${space}`;
}

/** Three digits that count. */
function digits(value: number): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, Math.min(4, 2 - magnitude)));
}

/** The end of a figure's name to how its value is written; the first that fits counts. */
const UNITS: readonly (readonly [RegExp, (value: number) => string])[] = [
  [/bytesPerSecond$/i, (value) => `${scaled(value, " ")}B/s`],
  [/bytes(PerTask)?$/i, (value) => `${scaled(value, " ")}B`],
  [/perSecond$/i, (value) => `${scaled(value)}/s`],
  [/(us|usPerTask|usPerStep)$/i, (value) => `${digits(value)} us`],
  [/Ms$/, (value) => `${digits(value)} ms`],
  [/seconds$/i, (value) => `${digits(value)} s`],
  [/percent$/i, (value) => `${digits(value)} %`],
];

/** A figure with its unit, which the end of its name tells. */
export function formatFigure(name: string, value: number): string {
  if (Number.isNaN(value)) return "-";
  const unit = UNITS.find(([pattern]) => pattern.test(name));
  return unit === undefined ? scaled(value) : unit[1](value);
}

/** A figure's name as words, without the unit that its value shows: `coldTasksPerSecond`, "cold tasks". */
export function formatName(name: string): string {
  return name
    .replace(/(BytesPerSecond|PerSecond|Us|Ms|Bytes|Seconds|(?<!\d)Percent)$/, "")
    .replace(/UsPerTask$/, "PerTask")
    .replace(/([a-z]{2})(\d)/g, "$1 $2")
    .replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/^ /, "");
}
