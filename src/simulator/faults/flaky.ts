import type { Fault } from "./fault.ts";

/** One pull in ten breaks off. */
export const flaky: Fault = ({ conditions }) => {
  conditions.breakProbability = 0.1;
};
