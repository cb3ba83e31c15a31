import { availableParallelism } from "node:os";
import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";

function caseOf(durationUs: number, goal: number, peers: string, seconds: number): Case {
  const cpus = availableParallelism();
  return {
    name: `${durationUs} us on ${cpus} cpus`,
    headline: "efficiencyPercent",
    goals: [{ figure: "efficiencyPercent", atLeast: goal }],
    peers,
    measure: (context) =>
      measureScenario(
        context,
        "efficiency",
        { durationUs, cpus, seconds, warmUpSeconds: seconds },
        {
          workers: [{ cpus }],
        },
      ),
  };
}

export const ROW: Row = {
  number: 14,
  title: "Efficiency: functions that keep every cpu busy",
  cases: (quick) => [
    caseOf(1_000, 98, "original 78 % (Python), Dask 52 %", quick ? 1 : 5),
    caseOf(200, 90, "original 49 % (Python)", quick ? 1 : 5),
  ],
};
