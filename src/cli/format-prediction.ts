import { bytesText, countText, durationText } from "../core/base/units.ts";
import type { Prediction } from "../simulator/index.ts";

const timeText = (us: number): string => durationText(us / 1000);
const percentText = (share: number): string => `${Math.round(100 * share)} %`;

/** What `hyperloom simulate` prints. */
export function formatPrediction(prediction: Prediction, cluster: string): string {
  const { workflow, tasks, workUs, makespanUs, utilization, criticalPathUs } = prediction;
  const pathShare = criticalPathUs / makespanUs;
  const lines = [
    `${workflow}: ${countText(tasks, "task")}, ${timeText(workUs)} of cpu time`,
    cluster,
    "",
    `makespan       ${timeText(makespanUs)}`,
    `utilization    ${percentText(utilization)} of all cpus`,
    `bytes moved    ${bytesText(prediction.bytesMoved)} in ${countText(prediction.transfers, "transfer")}`,
    `critical path  ${timeText(criticalPathUs)}, ${percentText(pathShare)} of the makespan`,
    "",
    "what another cluster would bring:",
    ...prediction.alternatives.map((other) => {
      const what = `${countText(other.workers, "worker")}${
        other.transfers === "as given" ? "" : ", transfers take no time"
      }`;
      const speed = (makespanUs / other.makespanUs).toFixed(2);
      const used = percentText(other.utilization);
      return `  ${what.padEnd(36)} ${timeText(other.makespanUs).padStart(12)}  ${speed} times as fast, ${used} of all cpus`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
