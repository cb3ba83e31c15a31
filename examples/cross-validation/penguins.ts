/** A record of the table, as far as it is used; a measurement may be missing. */
export type PenguinRecord = { readonly Species: (typeof SPECIES)[number] } & {
  readonly [M in (typeof MEASUREMENTS)[number]]: number | null;
};

export const SPECIES = ["Adelie", "Chinstrap", "Gentoo"] as const;
export const MEASUREMENTS = [
  "Beak Length (mm)",
  "Beak Depth (mm)",
  "Flipper Length (mm)",
  "Body Mass (g)",
] as const;

export type Penguin = {
  /** Position in SPECIES. */
  readonly species: number;
  /** In the order of MEASUREMENTS. */
  readonly measured: readonly number[];
};

/** The penguins of which everything was measured, in the order of the table. */
export function parsePenguins(records: readonly PenguinRecord[]): Penguin[] {
  return records.flatMap((record) => {
    const species = SPECIES.indexOf(record.Species);
    const measured = MEASUREMENTS.map((name) => record[name]).filter((value) => value !== null);
    return measured.length === MEASUREMENTS.length ? [{ species, measured }] : [];
  });
}

/**
 * Deals the penguins out to parts of about the same size and the same mixture of species. The same
 * seed deals in the same way, in Python too.
 */
export function dealOut(penguins: readonly Penguin[], parts: number, seed: number): Penguin[][] {
  const dealt = Array.from({ length: parts }, (): Penguin[] => []);
  const random = createRandom(seed);
  let turn = 0;
  for (const species of SPECIES.keys()) {
    const kin = penguins.filter((penguin) => penguin.species === species);
    for (const penguin of shuffle(kin, random)) dealt[turn++ % parts]?.push(penguin);
  }
  return dealt;
}

/** A whole number from 0 up to and without `below`. */
type Random = (below: number) => number;

/** The linear congruential generator of Numerical Recipes, of which the high bits are used. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state * below) / 2 ** 32);
  };
}

/** Fisher and Yates's, from the end. */
function shuffle(penguins: readonly Penguin[], random: Random): Penguin[] {
  const shuffled = [...penguins];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = random(last + 1);
    const [a, b] = [shuffled[last], shuffled[other]];
    if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a];
  }
  return shuffled;
}
