import type { Case, Row } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";
import { lightWorkers, SIDES } from "./workers.ts";

const one: Case = {
  name: "on one worker",
  headline: "usPerStep",
  goals: [{ figure: "usPerStep", atMost: 10 }],
  limits: ["echo"],
  peers: "original 35-95 us",
  measure: (context) => {
    const parameters = { shape: "chain", size: 10_000, repeats: 5 };
    return measureScenario(context, "chainSteps", parameters, { workers: lightWorkers(1) });
  },
};

const zigzag: Case = {
  name: "to another worker with each step",
  headline: "roundTrips",
  goals: [{ figure: "roundTrips", atMost: 1.3 }],
  limits: ["echo"],
  measure: (context) => {
    const parameters = { shape: "zigzag", size: 2_000, repeats: 3 };
    return measureScenario(context, "chainSteps", parameters, { workers: SIDES });
  },
  derive: ({ usPerStep = Number.NaN }, { echoUs = Number.NaN }) => ({
    roundTrips: usPerStep / echoUs,
  }),
};

export const ROW: Row = {
  number: 8,
  title: "Chain of dependent trivial tasks",
  cases: () => [one, zigzag],
};
