import { bundleFor } from "../harness/bundle-for.ts";
import { type Case, type Goal, type Row, Unavailable } from "../harness/cases.ts";
import { measureScenario } from "../harness/run-driver.ts";

function caseOf(plans: number, size: number, goals: readonly Goal[], runs: number): Case {
  const total = plans * size;
  return {
    name: `${total >= 1e6 ? `${total / 1e6}M` : `${total / 1e3}k`} tasks with 2 inputs each`,
    headline: "bytesPerTask",
    goals,
    runs,
    peers:
      "original 650 B and 12-103 us, HyperQueue 0.6 kB and 25 us, Dask 2-6.5 kB and 100-190 us",
    measure: async (context) => {
      const { subject } = context;
      if (subject.kind !== "build") throw new Unavailable("only for builds of this product");
      const stubs = await bundleFor(subject.directory, "stub-workers");
      return measureScenario(context, "memory", { plans, size, stubs }, { workers: [] });
    },
  };
}

const DELAYS: readonly Goal[] = ["loadDelayMs", "runDelayMs", "releaseDelayMs"].map((figure) => ({
  figure,
  atMost: 50,
}));

export const ROW: Row = {
  number: 6,
  title: "What tasks cost the server",
  cases: (quick) => {
    const size = quick ? 100_000 : 1_000_000;
    return [
      caseOf(
        1,
        size,
        [
          { figure: "bytesPerTask", atMost: 150 },
          { figure: "serverCpuUsPerTask", atMost: 2 },
          ...DELAYS,
        ],
        3,
      ),
      caseOf(10, size, [{ figure: "serverPeakBytes", atMost: 3e9 }, ...DELAYS], 1),
    ];
  },
};
