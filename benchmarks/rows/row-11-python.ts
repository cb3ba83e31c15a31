import { availableParallelism } from "node:os";
import type { Case, Row } from "../harness/cases.ts";
import { measurePython, PYTHON } from "../harness/python.ts";

const workersOf = (count: number, cpus: number) =>
  Array.from({ length: count }, () => ({ cpus, args: ["--python", PYTHON] }));

function callsCase(count: number, workers: number): Case {
  return {
    name: `${count} calls, ${workers} worker${workers > 1 ? "s" : ""}`,
    headline: "callsPerSecond",
    goals: [{ figure: "callsPerSecond", atLeast: 20_000 }],
    peers: "original 12-18k/s in the worker's own interpreter, Dask 2.4k/s",
    measure: (context) =>
      measurePython(context, "functionCalls", { count }, workersOf(workers, 2 / workers)),
  };
}

export const ROW: Row = {
  number: 11,
  title: "Python functions",
  cases: (quick) => {
    const count = quick ? 1_000 : 5_000;
    const cpus = availableParallelism();
    return [
      callsCase(count, 1),
      callsCase(count, 2),
      {
        name: `functions that keep a cpu busy, on ${cpus} cpus`,
        headline: "speedUp",
        // Of a perfect one; a shared interpreter lock gives 1.
        goals: [{ figure: "speedUp", atLeast: 0.9 * cpus }],
        measure: (context) =>
          measurePython(context, "busyCalls", { count: 10, cpus }, workersOf(1, cpus)),
      },
    ];
  },
};
