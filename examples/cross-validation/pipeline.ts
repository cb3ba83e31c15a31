import { asJson, type Client, type Future, tasks } from "hyperloom";
import { MEASUREMENTS, type PenguinRecord } from "./penguins.ts";
import type { Choice, Parameters, Verdict } from "./steps.ts";
import * as steps from "./steps.ts";

const { split, train, rank, score, choose, evaluate } = tasks.module(
  steps,
  import.meta.resolve("./steps.ts"),
);

/** How many neighbors are tried. */
export const NEIGHBORS: readonly number[] = [1, 3, 5, 9, 15, 25, 41, 65, 101, 151];
const NEIGHBORS_MAX = Math.max(...NEIGHBORS);

/** Which measurements are tried: every choice of one to four, the smaller ones first. */
export const CHOICES: readonly (readonly number[])[] = Array.from(
  { length: 2 ** MEASUREMENTS.length - 1 },
  (_, i) => [...MEASUREMENTS.keys()].filter((m) => (i + 1) & (1 << m)),
).sort((a, b) => a.length - b.length || a.join().localeCompare(b.join()));

const GRID: readonly Parameters[] = CHOICES.flatMap((measurements) =>
  NEIGHBORS.map((neighbors) => ({ measurements, neighbors })),
);

/** What `startPipeline` hands out at once, before anything has run. */
export type Results = { readonly choice: Future<Choice>; readonly verdicts: Future<Verdict[]> };

/**
 * Submits the pipeline, all of it functions:
 *
 *   open -> split -+-> train -> rank -> score -> choose -+-> evaluate
 *                  |   (for each fold and choice         |
 *                  |    of measurements; `score`         |
 *                  |    for each number of neighbors)    |
 *                  +-------------------------------------+
 */
export function startPipeline(
  client: Client,
  dataPath: string,
  folds: number,
  seed: number,
): Results {
  const parts = split(asJson<PenguinRecord[]>(tasks.open(dataPath)), folds, seed);
  const rankings = new Map(
    CHOICES.map((measurements) => {
      const name = measurements.join("+");
      const ofFolds = Array.from({ length: folds }, (_, fold) => {
        const model = train.with({ label: `train: ${name}, ${fold}` })(parts, fold, measurements);
        return rank.with({ label: `rank: ${name}, ${fold}` })(model, parts, fold, NEIGHBORS_MAX);
      });
      return [measurements, ofFolds] as const;
    }),
  );
  const scores = GRID.map(({ measurements, neighbors }) =>
    (rankings.get(measurements) ?? []).map((ranking) => score(ranking, neighbors)),
  );
  const choice = choose(GRID, scores);
  const [choiceFuture, verdictsFuture] = client.submit([choice, evaluate(parts, choice)]);
  return { choice: choiceFuture, verdicts: verdictsFuture };
}
