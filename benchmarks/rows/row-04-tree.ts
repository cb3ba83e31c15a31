import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers } from "./workers.ts";

const SIZE = 2 ** 16;

const speed: Case = {
  name: "2^16 leaves, 2 workers",
  headline: "tasksPerSecond",
  goals: [{ figure: "tasksPerSecond", atLeast: 400_000 }],
  peers: "original 17.6k/s",
  measure: (context) => {
    const parameters = { shape: "tree", size: SIZE, repeats: 5 };
    return measureScenario(context, "plans", parameters, { workers: lightWorkers(2) });
  },
};

const edges: Case = {
  name: "edges between workers",
  headline: "crossedPercent",
  goals: [{ figure: "crossedPercent", atMost: 10 }],
  measure: (context) =>
    measureScenario(context, "edges", { size: SIZE }, { workers: lightWorkers(2) }),
};

export const ROW: Row = {
  number: 4,
  title: "Binary merge tree",
  cases: () => [speed, edges],
};
