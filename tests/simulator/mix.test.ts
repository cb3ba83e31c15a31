import { expect, test } from "vitest";
import { drawOptions } from "../../src/simulator/draw-options.ts";
import { runSimulation } from "../../src/simulator/run-simulation.ts";

const BLOCKS = 10;
const SEEDS_PER_BLOCK = 20;

// Any workload, any cluster, any faults together; a failure says how to see it again.
test.each(Array.from({ length: BLOCKS }, (_, block) => 1 + block * SEEDS_PER_BLOCK))(
  "simulations from seed %i on end well",
  (first) => {
    let events = 0;
    for (let seed = first; seed < first + SEEDS_PER_BLOCK; seed += 1) {
      events += runSimulation(drawOptions(seed)).events;
    }
    expect(events).toBeGreaterThan(100 * SEEDS_PER_BLOCK);
  },
);
