import { availableParallelism } from "node:os";
import type { Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";

export const ROW: Row = {
  number: 12,
  title: "Trivial TypeScript functions",
  cases: (quick) => {
    const count = quick ? 10_000 : 50_000;
    return [
      {
        name: `${count / 1000}k calls, 1 worker`,
        headline: "callsPerSecond",
        goals: [{ figure: "callsPerSecond", atLeast: 100_000 }],
        peers: "Piscina 22-51k/s in one process, without plans or data",
        measure: (context) =>
          measureScenario(
            context,
            "functionCalls",
            { count },
            {
              workers: [{ cpus: availableParallelism() }],
            },
          ),
      },
    ];
  },
};
