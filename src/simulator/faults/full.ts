import { type Fault, pick } from "./fault.ts";

/** The disk of a worker is full for a while: nothing can be stored there. */
export const full: Fault = ({ random, expectedUs, conditions, moment, at }) => {
  const durationUs = (random.unit() * expectedUs) / 4;
  at(moment(), `a worker's disk is full for ${Math.round(durationUs)} us`, (cluster) => {
    const victim = pick(random, cluster.workers());
    if (victim === undefined) return;
    conditions.fullWorkers.add(victim.workerId);
    cluster.after(durationUs, () => conditions.fullWorkers.delete(victim.workerId));
  });
};
