import type { Fault } from "./fault.ts";

/** One checkpoint file in three is not there for the worker that is to load it. */
export const vanish: Fault = ({ conditions }) => {
  conditions.vanishProbability = 1 / 3;
};
