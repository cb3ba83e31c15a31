import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectSamePicture, LANGUAGES, ROOT, runExample } from "./run-example.ts";

type Bird = { species: string; values: number[] };
type Rated = { measurements: number[]; neighbors: number; correct: number; total: number };
type Saved = {
  best: Rated;
  grid: Rated[];
  verdicts: { species: number; measured: number[]; predicted: number }[];
};

const SPECIES = ["Adelie", "Chinstrap", "Gentoo"];
const COLUMNS = ["Beak Length (mm)", "Beak Depth (mm)", "Flipper Length (mm)", "Body Mass (g)"];
const [FOLDS, SEED] = [4, 7];
const NEIGHBORS = [1, 3, 5, 9, 15, 25, 41, 65, 101, 151];

function readBirds(): Bird[] {
  const path = join(ROOT, "node_modules/vega-datasets/data/penguins.json");
  const records = JSON.parse(readFileSync(path, "utf8")) as Record<string, string | number>[];
  return records
    .map((record) => ({
      species: String(record["Species"]),
      values: COLUMNS.map((name) => Number(record[name] ?? Number.NaN)),
    }))
    .filter(({ values }) => !values.some(Number.isNaN));
}

/** Fisher and Yates's shuffle by a linear congruential generator, in numbers of any size. */
function deal(birds: readonly Bird[], parts: number, seed: number): Bird[][] {
  let state = BigInt(seed);
  const order: Bird[] = [];
  for (const species of SPECIES) {
    const kin = birds.filter((bird) => bird.species === species);
    const shuffled: Bird[] = [];
    while (kin.length > 1) {
      state = (state * 1_664_525n + 1_013_904_223n) % 2n ** 32n;
      const chosen = Number((state * BigInt(kin.length)) / 2n ** 32n);
      const last = kin.pop() as Bird;
      shuffled.unshift(chosen === kin.length ? last : (kin.splice(chosen, 1, last)[0] as Bird));
    }
    order.push(...kin, ...shuffled);
  }
  return Array.from({ length: parts }, (_, part) => order.filter((_, i) => i % parts === part));
}

/** Species of all known birds, the most alike first. */
function orderByLikeness(known: readonly Bird[], bird: Bird, columns: readonly number[]): string[] {
  const scales = columns.map((column) => {
    const values = known.map(({ values }) => values[column] as number);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const squares = values.map((value) => (value - mean) ** 2).reduce((a, b) => a + b);
    return { column, mean, deviation: Math.sqrt(squares / values.length) };
  });
  const distance = (other: Bird): number =>
    scales
      .map(({ column, mean, deviation }) => {
        const scaled = (it: Bird): number => ((it.values[column] as number) - mean) / deviation;
        return (scaled(other) - scaled(bird)) ** 2;
      })
      .reduce((a, b) => a + b);
  return known
    .map((other, i) => ({ species: other.species, distance: distance(other), i }))
    .sort((a, b) => a.distance - b.distance || a.i - b.i)
    .map(({ species }) => species);
}

function decide(ordered: readonly string[], neighbors: number): string {
  const nearest = ordered.slice(0, neighbors);
  const votes = (species: string): number => nearest.filter((it) => it === species).length;
  return nearest.reduce((best, species) => (votes(species) > votes(best) ? species : best));
}

/** Of each fold in turn: how many each number of neighbors tells right. */
function countCorrect(folds: readonly Bird[][], columns: readonly number[]): number[] {
  const counts = NEIGHBORS.map(() => 0);
  for (const fold of folds) {
    const known = folds.filter((other) => other !== fold).flat();
    for (const bird of fold) {
      const ordered = orderByLikeness(known, bird, columns);
      NEIGHBORS.forEach((neighbors, i) => {
        if (decide(ordered, neighbors) === bird.species) counts[i] = (counts[i] ?? 0) + 1;
      });
    }
  }
  return counts;
}

/** Every choice of one to four columns, the smaller ones first, each in the order of a dictionary. */
const CHOICES = "0 1 2 3 01 02 03 12 13 23 012 013 023 123 0123"
  .split(" ")
  .map((digits) => Array.from(digits, Number));

/** What the pipeline is to find, by one loop after the other. */
function computeIndependently(): { grid: Rated[]; best: Rated | undefined; predicted: string[] } {
  const parts = deal(readBirds(), FOLDS + 1, SEED);
  const [folds, unseen] = [parts.slice(0, -1), parts.at(-1) ?? []];
  const known = folds.flat();
  const grid = CHOICES.flatMap((measurements) => {
    const counts = countCorrect(folds, measurements);
    return NEIGHBORS.map((neighbors, i) => {
      return { measurements, neighbors, correct: counts[i] ?? 0, total: known.length };
    });
  });
  // The grid begins with few measurements and few neighbors, but goes on to more of the one first.
  let best: Rated | undefined;
  for (const point of grid) {
    const isSimpler =
      point.correct === best?.correct &&
      point.measurements.length === best.measurements.length &&
      point.neighbors < best.neighbors;
    if (best === undefined || point.correct > best.correct || isSimpler) best = point;
  }
  const { measurements = [], neighbors = 1 } = best ?? {};
  const predicted = unseen.map((bird) =>
    decide(orderByLikeness(known, bird, measurements), neighbors),
  );
  return { grid, best, predicted };
}

describe("cross-validation", { timeout: 120_000 }, () => {
  let output = "";
  let expected: ReturnType<typeof computeIndependently>;
  beforeAll(() => {
    output = mkdtempSync(join(tmpdir(), "hyperloom-penguins-"));
    expected = computeIndependently();
  });
  afterAll(() => rmSync(output, { recursive: true, force: true }));

  const directory = (language: string): string => join(output, language);
  const read = (language: string, name: string): string =>
    readFileSync(join(directory(language), name), "utf8");

  test.each(LANGUAGES)("in %s finds the parameters that a loop finds", async (language) => {
    const args = ["--folds", String(FOLDS), "--seed", String(SEED)];
    const output = ["--output", directory(language)];
    const said = await runExample("cross-validation", language, [...args, ...output]);
    const saved = JSON.parse(read(language, "penguins.json")) as Saved;
    expect(saved.grid).toEqual(expected.grid);
    expect(saved.best).toEqual(expected.best);
    const predicted = saved.verdicts.map((verdict) => SPECIES[verdict.predicted]);
    expect(predicted).toEqual(expected.predicted);
    expect(said).toContain(`best: ${expected.best?.neighbors} neighbors by beak length`);
    expect(said).toContain(`of ${predicted.length} penguins that were kept for the end`);
  });

  test("the same numbers and the same picture come of both languages", () => {
    expect(read("Python", "penguins.json")).toBe(read("TypeScript", "penguins.json"));
    const chart = read("TypeScript", "penguins.svg");
    expectSamePicture(read("Python", "penguins.svg"), chart);
    expect(chart).toMatch(/^<svg /);
    expect(chart).not.toMatch(/NaN|undefined|None/);
    expect(chart.match(/rx="3"/g)?.length).toBe(expected.grid.length);
  });
});
