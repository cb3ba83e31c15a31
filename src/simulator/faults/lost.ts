import { type Fault, pick } from "./fault.ts";

/** One or two workers are killed, and others take their place a little later. */
export const lost: Fault = ({ random, moment, at }) => {
  const kills = 1 + random.below(2);
  for (let kill = 0; kill < kills; kill += 1) {
    const replacedAfterUs = random.unit() * 200_000;
    at(moment(), "a worker is killed", (cluster) => {
      const victim = pick(random, cluster.workers());
      if (victim !== undefined) cluster.killWorker(victim, replacedAfterUs);
    });
  }
};
