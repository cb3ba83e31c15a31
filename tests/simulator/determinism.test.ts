import { expect, test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";

test("the same seed gives the same history, another seed another", () => {
  const run = (seed: number) =>
    runSimulation({ seed, workload: "layered", clientCount: 2, faults: ["lost", "flaky", "slow"] });
  expect(run(3)).toEqual(run(3));
  expect(run(4).history).not.toBe(run(3).history);
});
