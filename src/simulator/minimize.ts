import { createConditions } from "./conditions.ts";
import { arrangeFaults } from "./faults/arrange.ts";
import { runSimulation } from "./run-simulation.ts";
import { SimulationFailure } from "./simulation-failure.ts";
import type { SimulationOptions } from "./simulation-options.ts";

/** Simulations that are tried for one that fails with less. */
const TRIALS_MAX = 80;

/**
 * The failure of a simulation that fails as well and in which less happens: fewer faults, fewer of
 * the occurrences of one, fewer tasks, clients and workers. It need not be the same failure, and it
 * is the smallest one only as far as leaving out one thing after the other leads.
 */
export function minimizeFailure(failure: SimulationFailure): SimulationFailure {
  let smallest = failure;
  let trials = 0;

  const tryWith = (changes: Partial<SimulationOptions>): boolean => {
    if (trials >= TRIALS_MAX) return false;
    trials += 1;
    try {
      runSimulation({ ...smallest.options, ...changes });
      return false;
    } catch (error) {
      if (!(error instanceof SimulationFailure)) return false;
      smallest = error;
      return true;
    }
  };

  for (const name of failure.options.faults) {
    tryWith({ faults: smallest.options.faults.filter((other) => other !== name) });
  }
  const { options } = smallest;
  for (const { number } of arrangeFaults(options, createConditions(), 1_000_000)) {
    tryWith({ without: [...smallest.options.without, number] });
  }
  while (smallest.options.clientCount > 1) {
    if (!tryWith({ clientCount: smallest.options.clientCount - 1 })) break;
  }
  while (smallest.options.workerCount > 1) {
    if (!tryWith({ workerCount: smallest.options.workerCount - 1 })) break;
  }
  while (smallest.options.taskCount > 8) {
    if (!tryWith({ taskCount: Math.floor(smallest.options.taskCount * 0.7) })) break;
  }
  return smallest;
}
