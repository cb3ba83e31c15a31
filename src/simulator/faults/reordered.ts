import type { Fault } from "./fault.ts";

/** Messages take very different times, so that what is said on different connections overtakes. */
export const reordered: Fault = ({ random, conditions }) => {
  conditions.jitterShare = random.unit() < 0.5 ? 20 : 300;
};
