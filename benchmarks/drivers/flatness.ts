import { plans, taskCountOf } from "./plans.ts";
import type { Scenario } from "./scenario.ts";

/** Time of a task in the largest plan over that in the smallest, both in one process and cluster. */
export const flatness: Scenario = async (context) => {
  const run = (size: number) => {
    // As many tasks of both sizes, so that both are measured for as long.
    const repeats = Math.max(2, Math.min(20, Math.round(400_000 / size)));
    const numbers: Record<string, number> = { size, repeats };
    return plans({ ...context, number: (name) => numbers[name] ?? context.number(name) });
  };
  // The first run is for the compiler, which would otherwise flatter the large plan.
  await run(context.number("small"));
  const small = await run(context.number("small"));
  const large = await run(context.number("large"));
  const { usPerTask: smallUsPerTask = Number.NaN } = small.figures;
  const { usPerTask: largeUsPerTask = Number.NaN } = large.figures;
  const serverRatio =
    (large.figures["serverCpuUsPerTask"] ?? Number.NaN) /
    (small.figures["serverCpuUsPerTask"] ?? Number.NaN);
  return {
    ...large,
    figures: {
      ratio: largeUsPerTask / smallUsPerTask,
      serverCpuRatio: serverRatio,
      smallUsPerTask,
      largeUsPerTask,
      largeTasks: taskCountOf(context.text("shape"), context.number("large")),
    },
  };
};
