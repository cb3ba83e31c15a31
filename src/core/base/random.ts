/** A seeded source of numbers; the only one in the pure rooms. */
export type Random = {
  /** In [0, 1). */
  unit(): number;
  /** Whole, in [0, below). */
  below(below: number): number;
};

/** The 32-bit generator mulberry32 (Tommy Ettinger, public domain): small, fast, good enough to spread. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { unit, below: (below) => Math.floor(unit() * below) };
}
