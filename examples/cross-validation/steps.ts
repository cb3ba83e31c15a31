// The functions of the pipeline. They run on workers, which get this file and what it imports with
// the plan.
import { findNearest, learn, type Model, vote } from "./neighbors.ts";
import { dealOut, type Penguin, type PenguinRecord, parsePenguins } from "./penguins.ts";

/** A point of the parameter grid. */
export type Parameters = {
  /** Positions in MEASUREMENTS. */
  readonly measurements: readonly number[];
  readonly neighbors: number;
};

/** How many penguins were told right. */
export type Score = { readonly correct: number; readonly total: number };

/** Of a penguin: what it is, and the species of those that are most like it, the nearest first. */
export type Ranking = { readonly species: number; readonly nearest: readonly number[] };

/** A point of the grid, with the sum over all folds. */
export type Rated = Parameters & Score;

export type Choice = { readonly best: Rated; readonly grid: readonly Rated[] };

/** A penguin that nobody had seen, and what it was taken for. */
export type Verdict = Penguin & { readonly predicted: number };

/** Deals the table out: a part for each fold, and a last one that is kept for the end. */
export function split(
  records: readonly PenguinRecord[],
  folds: number,
  seed: number,
): readonly (readonly Penguin[])[] {
  return dealOut(parsePenguins(records), folds + 1, seed);
}

/** Learns from all parts but the fold and the last. */
export function train(
  parts: readonly (readonly Penguin[])[],
  fold: number,
  measurements: readonly number[],
): Model {
  const known = parts.filter((_, part) => part !== fold && part !== parts.length - 1);
  return learn(known.flat(), measurements);
}

/** Looks for the neighbors of each penguin of the fold, once for all parameters that count them. */
export function rank(
  model: Model,
  parts: readonly (readonly Penguin[])[],
  fold: number,
  neighborsMax: number,
): readonly Ranking[] {
  return (parts[fold] ?? []).map((penguin) => ({
    species: penguin.species,
    nearest: findNearest(model, penguin, neighborsMax),
  }));
}

/** Counts how often so many neighbors are right. */
export function score(rankings: readonly Ranking[], neighbors: number): Score {
  const right = rankings.filter(({ species, nearest }) => vote(nearest, neighbors) === species);
  return { correct: right.length, total: rankings.length };
}

/**
 * Sums the scores of all folds up and chooses the best parameters: the most correct, then the fewest
 * measurements, then the fewest neighbors, then the first of the grid.
 */
export function choose(grid: readonly Parameters[], scores: readonly (readonly Score[])[]): Choice {
  const rated = grid.map((parameters, i) => {
    const ofFolds = scores[i] ?? [];
    return {
      ...parameters,
      correct: ofFolds.reduce((sum, { correct }) => sum + correct, 0),
      total: ofFolds.reduce((sum, { total }) => sum + total, 0),
    };
  });
  const [best] = [...rated].sort(
    (a, b) =>
      b.correct - a.correct ||
      a.measurements.length - b.measurements.length ||
      a.neighbors - b.neighbors,
  );
  if (best === undefined) throw new RangeError("The grid is empty");
  return { best, grid: rated };
}

/** Learns from all folds with the best parameters, and tells the penguins of the last part. */
export function evaluate(parts: readonly (readonly Penguin[])[], { best }: Choice): Verdict[] {
  const model = learn(parts.slice(0, -1).flat(), best.measurements);
  return (parts.at(-1) ?? []).map((penguin) => {
    const nearest = findNearest(model, penguin, best.neighbors);
    return { ...penguin, predicted: vote(nearest, best.neighbors) };
  });
}
