import { isSameValue } from "../values.ts";
import { type Checker, check } from "./observation.ts";
import type { Oracle } from "./oracle.ts";

/** What a client fetches is what a sequential evaluation of its plans gives. */
export function createResultChecker(oracles: ReadonlyMap<number, Oracle>): Checker {
  return {
    name: "results",
    observe: (observation) => {
      if (observation.kind !== "result-fetched") return;
      const { clientId, clientTask, value } = observation;
      const expected = oracles.get(clientId)?.outcomes.get(clientTask);
      check(
        expected?.kind === "value" && isSameValue(expected.value, value),
        () => `client ${clientId} fetched a wrong value of its task ${clientTask}`,
      );
    },
    finish: () => {},
  };
}
