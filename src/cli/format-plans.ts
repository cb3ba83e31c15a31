import type { PlanSummary } from "../core/model/plan-summary.ts";
import { formatDuration } from "./duration.ts";

const HEAD = ["plan", "state", "results", "tasks", "submitted", "by"];

/** Plans for a person: a table, and below it why some failed. */
export function formatPlans(plans: readonly PlanSummary[], nowMs: number): string {
  if (plans.length === 0) return "No plan lives without its client.\n";
  const rows = [HEAD, ...plans.map((plan) => rowOf(plan, nowMs))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const failures = plans.flatMap(({ name, failure }) =>
    failure === undefined ? [] : [`${name}: ${failure.split("\n", 1)[0] ?? ""}`],
  );
  return `${[...lines, ...failures].join("\n")}\n`;
}

function rowOf(plan: PlanSummary, nowMs: number): string[] {
  return [
    plan.name,
    plan.state,
    `${plan.resultsFinished} of ${plan.results}`,
    String(plan.tasks),
    `${formatDuration(Math.max(nowMs - plan.submittedAtMs, 0))} ago`,
    plan.client ?? "-",
  ];
}
