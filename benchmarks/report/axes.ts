import { FAINT, line, PLOT, text } from "./svg.ts";

/** From a value to a position on the drawing. */
export type Scale = (value: number) => number;

export function logScale([low, high]: readonly [number, number], from: number, to: number): Scale {
  const span = Math.log(high / low);
  return (value) => from + (Math.log(value / low) / span) * (to - from);
}

export function linearScale(high: number, from: number, to: number): Scale {
  return (value) => from + (value / high) * (to - from);
}

/** 1, 10, 100 ... within the range. */
export function decades([low, high]: readonly [number, number]): number[] {
  const ticks: number[] = [];
  for (let tick = 10 ** Math.ceil(Math.log10(low)); tick <= high * 1.0001; tick *= 10) {
    ticks.push(tick);
  }
  return ticks;
}

/** About five round numbers from 0 to `high`. */
export function roundTicks(high: number): number[] {
  const rough = high / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * magnitude).find((n) => n >= rough) ?? rough;
  const ticks: number[] = [];
  for (let tick = 0; tick <= high * 1.0001; tick += step) ticks.push(tick);
  return ticks;
}

/** Numbers on the left with lines across the plot. */
export function leftAxis(ticks: readonly number[], scale: Scale, label: (n: number) => string) {
  return ticks.flatMap((tick) => [
    line([PLOT.left, scale(tick)], [PLOT.right, scale(tick)], FAINT),
    text(PLOT.left - 8, scale(tick) + 4, label(tick), { anchor: "end" }),
  ]);
}

/** Numbers below the plot, and what they are. */
export function bottomAxis(
  ticks: readonly number[],
  scale: Scale,
  label: (n: number) => string,
  caption: string,
) {
  const middle = (PLOT.left + PLOT.right) / 2;
  return [
    ...ticks.map((tick) => text(scale(tick), PLOT.bottom + 20, label(tick), { anchor: "middle" })),
    text(middle, PLOT.bottom + 40, caption, { anchor: "middle" }),
  ];
}

/** Labels at the right of lines that end there, moved apart so that each can be read. */
export function endLabels(
  labels: readonly { readonly text: string; readonly y: number; readonly color: string }[],
): string[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  let free = Number.NEGATIVE_INFINITY;
  return sorted.map((label) => {
    const y = Math.max(label.y, free);
    free = y + 15;
    return text(PLOT.right + 10, y + 4, label.text, { color: label.color, weight: 600 });
  });
}
