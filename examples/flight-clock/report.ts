/** The day is cut into quarters of an hour, distances into bands; a cell is one of each. */
export const QUARTERS = 96;
export const BAND_MILES = 125;
export const BANDS = 22;
/** From how many minutes on a flight counts as late, as the statistics of the airlines do. */
export const LATE_MINUTES = 15;

/**
 * What is counted in a piece of the table: flights in each cell, then late ones in each cell. Cell
 * `quarter * BANDS + band`; the last band has all that is farther, too.
 */
export type Tally = Uint32Array;

/** Delays of the flights that leave within a quarter of an hour. */
export type Quarter = {
  readonly quarter: number;
  readonly flights: number;
  readonly delayMinP50: number;
  readonly delayMinP90: number;
};

/** What the pipeline finds out. */
export type Report = { readonly tally: Tally; readonly quarters: readonly Quarter[] };

export const CELLS: number = QUARTERS * BANDS;
/** For an index that is within the tally. */
export const at = (tally: Tally, index: number): number => tally[index] ?? 0;

export type Cell = {
  readonly quarter: number;
  readonly band: number;
  readonly flights: number;
  readonly late: number;
};

/** The cells in which anything flew, by quarter and band. */
export function listCells(tally: Tally): Cell[] {
  const cells: Cell[] = [];
  for (let index = 0; index < CELLS; index++) {
    const flights = at(tally, index);
    if (flights === 0) continue;
    const quarter = Math.floor(index / BANDS);
    cells.push({ quarter, band: index % BANDS, flights, late: at(tally, CELLS + index) });
  }
  return cells;
}
