import type { Fault } from "./fault.ts";

/** One worker executes at a twentieth of the usual speed. */
export const slow: Fault = ({ conditions }) => {
  conditions.slowness[0] = 20;
};
