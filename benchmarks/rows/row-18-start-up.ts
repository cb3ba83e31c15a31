import type { Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";

export const ROW: Row = {
  number: 18,
  title: "Start-up",
  cases: () => [
    {
      name: "a worker, from exec to registered",
      headline: "registeredMs",
      goals: [{ figure: "registeredMs", atMost: 150 }],
      peers: "original 51 ms",
      measure: (context) => measureScenario(context, "workerStart", {}, { workers: [] }),
    },
    {
      name: "import of the client, local cluster",
      headline: "localClusterMs",
      goals: [
        { figure: "localClusterMs", atMost: 300 },
        { figure: "importMs", atMost: 100 },
      ],
      measure: (context) => measureScenario(context, "clientStart", {}, { workers: [] }),
    },
  ],
};
