import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers } from "./workers.ts";

const one: Case = {
  name: "1,000 times",
  headline: "roundTrips",
  goals: [
    { figure: "roundTrips", atMost: 3.5 },
    { figure: "spread", atMost: 3 },
  ],
  limits: ["echo"],
  peers: "original 161 us, Ray 1.0 ms, Dask 10.8 ms",
  measure: (context) =>
    measureScenario(context, "roundTrips", { count: 1_000 }, { workers: lightWorkers(1) }),
  derive: ({ p50Us = Number.NaN }, { echoUs = Number.NaN }) => ({ roundTrips: p50Us / echoUs }),
};

export const ROW: Row = {
  number: 9,
  title: "Submit one task, wait, fetch",
  cases: () => [one],
};
