import { plans } from "./plans.ts";
import type { Scenario } from "./scenario.ts";

/** Time of a step in a chain of dependent tasks. */
export const chainSteps: Scenario = async (context) => {
  const sample = await plans(context);
  const { usPerTask = Number.NaN, ...others } = sample.figures;
  return { ...sample, figures: { usPerStep: usPerTask, ...others } };
};
