/** What the pipeline finds out: how late flights are, by time of day. */
export type DelayReport = {
  /** Flights by quarter of an hour (0 is 00:00 to 00:15) and delay. */
  readonly cells: readonly Cell[];
  /** One entry for each hour of the day in which anything flew. */
  readonly hours: readonly Hour[];
};

export type Cell = {
  readonly quarter: number;
  /** Lower end of the cell, a multiple of CELL_MINUTES. */
  readonly delayMin: number;
  readonly flights: number;
};

export type Hour = {
  readonly hour: number;
  readonly flights: number;
  /** Flights more than 15 minutes late. */
  readonly late: number;
  readonly delayMinP10: number;
  readonly delayMinP50: number;
  readonly delayMinP90: number;
};

/** Height of a cell of the heat map, in minutes of delay. */
export const CELL_MINUTES = 3;
/** From how many minutes on a flight counts as late, as the statistics of the airlines do. */
export const LATE_MINUTES = 15;

const numbers = (line: string): number[] => line.trim().split(/\s+/).map(Number);
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** @param text lines of quarter, delay and count */
export function parseCells(text: string): Cell[] {
  return lines(text).map((line) => {
    const [quarter = 0, delayMin = 0, flights = 0] = numbers(line);
    return { quarter, delayMin, flights };
  });
}

/** @param text lines of hour, flights, late ones, three quantiles */
export function parseHours(text: string): Hour[] {
  return lines(text).map((line) => {
    const [hour = 0, flights = 0, late = 0, p10 = 0, p50 = 0, p90 = 0] = numbers(line);
    return { hour, flights, late, delayMinP10: p10, delayMinP50: p50, delayMinP90: p90 };
  });
}
