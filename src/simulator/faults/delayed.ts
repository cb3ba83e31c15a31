import { type Fault, pick } from "./fault.ts";

/** Several times, all that is said on one connection in one direction arrives much later. */
export const delayed: Fault = ({ random, expectedUs, moment, at }) => {
  const delays = 2 + random.below(6);
  for (let count = 0; count < delays; count += 1) {
    const durationUs = random.unit() * Math.min(expectedUs, 2_000_000);
    at(moment(), `a connection is silent for ${Math.round(durationUs)} us`, (cluster) => {
      pick(random, cluster.links())?.hold(durationUs);
    });
  }
};
