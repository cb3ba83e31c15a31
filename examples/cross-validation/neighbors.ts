import { type Penguin, SPECIES } from "./penguins.ts";

/** The k nearest neighbors: a penguin is of the species of most of those that are most alike. */
export type Model = {
  /** Those that count, as positions in MEASUREMENTS. */
  readonly measurements: readonly number[];
  /** Of each measurement that counts: so that all weigh the same. */
  readonly means: readonly number[];
  readonly deviations: readonly number[];
  /** Of each penguin that is known: what counts, scaled, and its species. */
  readonly points: readonly (readonly number[])[];
  readonly species: readonly number[];
};

export function learn(penguins: readonly Penguin[], measurements: readonly number[]): Model {
  const columns = measurements.map((m) => penguins.map(({ measured }) => measured[m] ?? 0));
  const means = columns.map(meanOf);
  const deviations = columns.map((column, i) => {
    const mean = means[i] ?? 0;
    return Math.sqrt(meanOf(column.map((value) => (value - mean) * (value - mean))));
  });
  const scaling = { measurements, means, deviations };
  return {
    ...scaling,
    points: penguins.map((penguin) => scale(scaling, penguin)),
    species: penguins.map(({ species }) => species),
  };
}

/** Species of the most alike known penguins, the nearest first; of equally near ones the earlier. */
export function findNearest(model: Model, penguin: Penguin, count: number): number[] {
  const point = scale(model, penguin);
  const distances = model.points.map((known) =>
    known.reduce((sum, value, i) => sum + (value - (point[i] ?? 0)) * (value - (point[i] ?? 0)), 0),
  );
  return [...distances.keys()]
    .sort((a, b) => (distances[a] ?? 0) - (distances[b] ?? 0))
    .slice(0, count)
    .map((known) => model.species[known] ?? 0);
}

/** The species of most of the first `neighbors`; of equally many the one that is nearest. */
export function vote(nearest: readonly number[], neighbors: number): number {
  const voters = nearest.slice(0, neighbors);
  const votes = SPECIES.map((_, species) => voters.filter((voter) => voter === species).length);
  const most = Math.max(...votes);
  return voters.find((voter) => votes[voter] === most) ?? 0;
}

function scale(
  { measurements, means, deviations }: Pick<Model, "measurements" | "means" | "deviations">,
  { measured }: Penguin,
): number[] {
  return measurements.map((m, i) => ((measured[m] ?? 0) - (means[i] ?? 0)) / (deviations[i] ?? 1));
}

// One after the other, so that Python, which does the same, comes to the same last digit.
function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
