import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { repeatsOf } from "./row-01-independent.ts";
import { lightWorkers } from "./workers.ts";

const PEERS = new Map([
  [10_000, "original 63k/s"],
  [100_000, "original 18k/s"],
  [1_000_000, "original 7.4k/s at 300k"],
]);

function caseOf(size: number): Case {
  return {
    name: `${size / 1000}k results, 2 workers`,
    headline: "tasksPerSecond",
    goals: [{ figure: "tasksPerSecond", atLeast: 200_000 }],
    peers: PEERS.get(size) ?? "",
    measure: (context) => {
      const parameters = { shape: "results", size, repeats: repeatsOf(size) };
      return measureScenario(context, "plans", parameters, { workers: lightWorkers(2) });
    },
  };
}

export const ROW: Row = {
  number: 2,
  title: "N independent trivial tasks, every one a result",
  cases: (quick) => (quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]).map(caseOf),
};
