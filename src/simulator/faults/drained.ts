import { type Fault, pick } from "./fault.ts";

/** One or two workers are drained, and others take their place. */
export const drained: Fault = ({ random, moment, at }) => {
  const drains = 1 + random.below(2);
  for (let count = 0; count < drains; count += 1) {
    const replacedAfterUs = random.unit() * 200_000;
    at(moment(), "a worker is drained", (cluster) => {
      const worker = pick(random, cluster.workers());
      if (worker !== undefined) cluster.drainWorker(worker, replacedAfterUs);
    });
  }
};
