import { type Fault, pick } from "./fault.ts";

const STALLS_US = [2_000, 50_000, 500_000, 20_000_000];

/**
 * Workers stop for a while, as a machine that swaps or a process that is paused, and go on. What was
 * said to them has waited. One that stops for long was given up by the server.
 */
export const stalled: Fault = ({ random, moment, at }) => {
  const stalls = 1 + random.below(3);
  for (let count = 0; count < stalls; count += 1) {
    const durationUs = pick(random, STALLS_US) ?? 0;
    at(moment(), `a worker stalls for ${durationUs} us`, (cluster) => {
      const victim = pick(random, cluster.workers());
      if (victim !== undefined) cluster.stallWorker(victim, durationUs);
    });
  }
};
