import type { Fault } from "./fault.ts";

/**
 * One message in ten between server and workers comes once more, some time later, whatever has
 * happened since; all but assignments, which are made once.
 */
export const repeated: Fault = ({ conditions }) => {
  conditions.repeatProbability = 0.1;
};
