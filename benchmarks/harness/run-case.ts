import { measureLimits } from "../limits/limits.ts";
import {
  type Case,
  type Row,
  type RunContext,
  type Sample,
  type Subject,
  Unavailable,
} from "./cases.ts";
import { describeCommit, describeMachine } from "./machine.ts";
import { appendResult, type ResultLine } from "./results.ts";
import type { CaseResults } from "./show-case.ts";

export type Plan = {
  readonly subjects: readonly Subject[];
  readonly runs: number;
  readonly outPath: string;
  readonly context: Omit<RunContext, "subject">;
  readonly onRun: (text: string) => void;
};

/**
 * Measures a case: all subjects in turn within each run, the limits of the machine before them, the
 * order of the subjects the other way round in every second run.
 */
export async function runCase(row: Row, benchCase: Case, plan: Plan): Promise<CaseResults> {
  const { subjects, outPath, context } = plan;
  const results = new Map<string, ResultLine[]>(subjects.map(({ label }) => [label, []]));
  for (let run = 0; run < plan.runs; run++) {
    const limits = await measureLimits(benchCase.limits ?? []);
    for (const subject of run % 2 === 0 ? subjects : [...subjects].reverse()) {
      plan.onRun(`${benchCase.name}: run ${run + 1} of ${plan.runs}, ${subject.label}`);
      const sample = await measureSubject(benchCase, { ...context, subject });
      // A peer that cannot do this is left out; the others are measured all the same.
      if (sample === undefined) continue;
      const derived = benchCase.derive?.(sample.figures, limits) ?? {};
      const line: ResultLine = {
        row: row.number,
        title: row.title,
        case: benchCase.name,
        subject: subject.label,
        commit: subject.kind === "build" ? describeCommit(subject.directory) : "",
        at: new Date().toISOString(),
        command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
        quick: context.quick,
        machine: describeMachine(),
        headline: benchCase.headline,
        goals: benchCase.goals,
        peers: benchCase.peers,
        limits,
        ...sample,
        figures: { ...derived, ...sample.figures },
      };
      results.get(subject.label)?.push(line);
      appendResult(outPath, line);
    }
  }
  return results;
}

async function measureSubject(benchCase: Case, context: RunContext): Promise<Sample | undefined> {
  try {
    return await benchCase.measure(context);
  } catch (error) {
    if (error instanceof Unavailable && context.subject.kind === "dask") return undefined;
    throw error;
  }
}
