import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers } from "./workers.ts";

function caseOf(shape: string, name: string, small: number, large: number): Case {
  return {
    name,
    headline: "ratio",
    goals: [{ figure: "ratio", atMost: 1.2 }],
    peers: "original 6 to 11 by 200k",
    measure: (context) =>
      measureScenario(context, "flatness", { shape, small, large }, { workers: lightWorkers(2) }),
  };
}

export const ROW: Row = {
  number: 3,
  title: "Flatness: time of a task in the largest plan over that in the smallest",
  cases: (quick) => [
    caseOf("merge", "merge", 10_000, quick ? 100_000 : 1_000_000),
    caseOf("tree", "merge tree", 2 ** 13, quick ? 2 ** 16 : 2 ** 20),
  ],
};
