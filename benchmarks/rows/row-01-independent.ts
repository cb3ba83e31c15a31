import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers } from "./workers.ts";

const GOALS = new Map([
  [10_000, 200_000],
  [100_000, 400_000],
  [1_000_000, 500_000],
]);
const PEERS = new Map([
  [10_000, "original 99k/s, Dask 2.4k/s, BullMQ 8.9k jobs/s"],
  [100_000, "original 42k/s"],
  [1_000_000, "original 16k/s at 300k"],
]);

/** Plans after the first: a second of work or so. */
export const repeatsOf = (size: number): number => (size >= 1e6 ? 2 : size >= 1e5 ? 5 : 15);

function caseOf(size: number, workers: number): Case {
  return {
    name: `${size / 1000}k tasks, ${workers} worker${workers > 1 ? "s" : ""}`,
    headline: "tasksPerSecond",
    goals: [{ figure: "tasksPerSecond", atLeast: GOALS.get(size) ?? 0 }],
    peers: PEERS.get(size) ?? "",
    measure: (context) => {
      const parameters = { shape: "array", size, repeats: repeatsOf(size) };
      return measureScenario(context, "plans", parameters, { workers: lightWorkers(workers) });
    },
  };
}

export const ROW: Row = {
  number: 1,
  title: "N independent trivial tasks into one array",
  cases: (quick) => {
    const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];
    return sizes.flatMap((size) => [caseOf(size, 1), caseOf(size, 2)]);
  },
};
