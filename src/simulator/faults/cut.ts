import { type Fault, pick } from "./fault.ts";

/**
 * Connections between the server and workers break: what was under way is lost, and each side
 * notices in its own time, after up to three seconds.
 */
export const cut: Fault = ({ random, moment, at }) => {
  const cuts = 1 + random.below(3);
  for (let count = 0; count < cuts; count += 1) {
    const delays = {
      serverNoticesAfterUs: random.unit() ** 3 * 3_000_000,
      workerNoticesAfterUs: random.unit() ** 3 * 3_000_000,
    };
    at(moment(), "a worker's connection breaks", (cluster) => {
      const victim = pick(random, cluster.workers());
      if (victim !== undefined) cluster.cutWorker(victim, delays);
    });
  }
};
