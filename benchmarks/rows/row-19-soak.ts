import type { Case, Goal, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers } from "./workers.ts";

const GOALS: readonly Goal[] = [
  { figure: "throughputGrowth", atLeast: 0.95 },
  { figure: "serverGrowth", atMost: 1.05 },
  { figure: "worker1Growth", atMost: 1.05 },
  { figure: "clientGrowth", atMost: 1.05 },
];

function caseOf(name: string, size: number, plans: number, minutes: number | undefined): Case {
  return {
    name,
    headline: "throughputGrowth",
    goals: GOALS,
    runs: 1,
    measure: (context) => {
      const parameters = { size, plans, minutes: minutes ?? context.minutes };
      return measureScenario(context, "soak", parameters, { workers: lightWorkers(2) });
    },
  };
}

export const ROW: Row = {
  number: 19,
  title: "Endurance",
  isLong: true,
  cases: (quick) => [
    caseOf("plans of 100k tasks in a loop", 100_000, 1e9, undefined),
    caseOf(`100 plans of ${quick ? "10k" : "1M"} tasks`, quick ? 10_000 : 1_000_000, 100, 1e9),
  ],
};
