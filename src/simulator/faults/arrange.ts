import { createRandom } from "../../core/base/random.ts";
import type { VirtualClock } from "../clock.ts";
import type { Cluster } from "../cluster.ts";
import type { Conditions } from "../conditions.ts";
import type { SimulationOptions } from "../simulation-options.ts";
import { FAULT_NAMES, FAULTS } from "./catalog.ts";

/** What happens at a moment because of a fault. */
export type Occurrence = {
  readonly number: number;
  readonly atUs: number;
  readonly what: string;
  readonly act: (cluster: Cluster) => void;
};

/**
 * Has the faults of the options arranged, and answers all that they plan, by number. Those that the
 * options leave out are numbered as well, so that a number means the same without others.
 */
export function arrangeFaults(
  options: SimulationOptions,
  conditions: Conditions,
  expectedUs: number,
): Occurrence[] {
  const occurrences: Occurrence[] = [];
  for (const [place, name] of FAULT_NAMES.entries()) {
    if (!options.faults.includes(name)) continue;
    const random = createRandom((options.seed ^ 0x5f5f) + 7919 * place);
    // Numbers of one fault do not change when another one is left out.
    let next = 100 * place;
    FAULTS[name]({
      random,
      workerCount: options.workerCount,
      clientCount: options.clientCount,
      expectedUs,
      conditions,
      moment: () => random.unit() * expectedUs,
      at: (atUs, what, act) => {
        const number = next;
        next += 1;
        if (!options.without.includes(number)) occurrences.push({ number, atUs, what, act });
      },
    });
  }
  return occurrences;
}

/** Has each of them happen at its moment. They are no progress: nobody waits for one. */
export function scheduleFaults(
  occurrences: readonly Occurrence[],
  clock: VirtualClock,
  cluster: Cluster,
): void {
  for (const { atUs, act } of occurrences) {
    clock.scheduleInBackground(atUs, () => act(cluster));
  }
}
