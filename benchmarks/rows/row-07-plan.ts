import type { Row } from "../harness/cases.ts";
import { measurePython } from "../harness/python.ts";
import { measureScenario } from "../harness/run-driver.ts";

export const ROW: Row = {
  number: 7,
  title: "A plan of independent tasks: build, encode, accept",
  cases: (quick) => {
    const size = quick ? 100_000 : 1_000_000;
    const accept = { figure: "acceptSeconds", atMost: 0.5 };
    return [
      {
        name: `${size / 1000}k tasks, TypeScript`,
        headline: "buildAndEncodeSeconds",
        goals: [{ figure: "buildAndEncodeSeconds", atMost: 1 }, accept],
        peers: "original: accept 0.85 s, 659 MB",
        measure: (context) => measureScenario(context, "accept", { size }, { workers: [] }),
      },
      {
        name: `${size / 1000}k tasks, Python`,
        headline: "buildAndEncodeSeconds",
        goals: [{ figure: "buildAndEncodeSeconds", atMost: 2 }, accept],
        peers: "original 4.2 s",
        measure: (context) => measurePython(context, "accept", { size }, []),
      },
    ];
  },
};
