import type { DelayReport, Hour } from "./report.ts";

const BLOCKS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";

const clock = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const lateShare = (hour: Hour): number => hour.late / Math.max(hour.flights, 1);

/** What to say in the terminal: the totals, the best and the worst hour, and a bar for each hour. */
export function summarize(report: DelayReport): string {
  const flights = report.hours.reduce((sum, hour) => sum + hour.flights, 0);
  const late = report.hours.reduce((sum, hour) => sum + hour.late, 0);
  // Hours in which hardly anything flies say little.
  const busy = report.hours
    .filter((hour) => hour.flights >= flights / 100)
    .sort((a, b) => lateShare(a) - lateShare(b));
  const [best, worst] = [busy[0], busy.at(-1)];
  if (best === undefined || worst === undefined) return "No flights.\n";
  const byHour = [...report.hours].sort((a, b) => a.hour - b.hour);
  const bars = byHour
    .filter((hour) => busy.includes(hour))
    .map((hour) => {
      const level = Math.min(Math.round(lateShare(hour) * 20), BLOCKS.length - 1);
      return BLOCKS[level] ?? "";
    });
  const first = byHour.find((hour) => busy.includes(hour)) ?? best;
  return `${flights.toLocaleString("en-US")} flights, ${percent(late / flights)} more than 15 minutes late
  best hour   ${clock(best.hour)}  ${percent(lateShare(best))} late, 1 in 10 by more than ${best.delayMinP90} min
  worst hour  ${clock(worst.hour)}  ${percent(lateShare(worst))} late, 1 in 10 by more than ${worst.delayMinP90} min
  late, by hour from ${clock(first.hour)}  ${bars.join("")}
`;
}
