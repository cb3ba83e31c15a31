import { bytesText, countText } from "../core/base/units.ts";
import type { ClusterStatus, UnsatisfiableRequest, WorkerStatus } from "../core/model/status.ts";
import type { MemoryReport } from "../core/model/worker-memory.ts";
import { formatDuration } from "./duration.ts";

const formatResources = (resources: Readonly<Record<string, number>>): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${amount} ${name}`)
    .join(", ");

/** `1.2 GiB of 4.0 GiB`; with a mark if it is tight. */
const memoryText = ({ usedBytes, limitBytes, isTight }: MemoryReport): string =>
  `${bytesText(usedBytes)} of ${bytesText(limitBytes)}${isTight ? " (tight)" : ""}`;

const HEAD = [
  "worker",
  "cpus",
  "other",
  "running",
  "assigned",
  "objects",
  "bytes",
  "memory",
  "spilled",
];

const workerRow = (worker: WorkerStatus): string[] => [
  worker.isDraining === true ? `${worker.name} (draining)` : worker.name,
  String(worker.cpus),
  formatResources(worker.resources) || "-",
  String(worker.tasksRunning),
  String(worker.tasksAssigned),
  String(worker.objects),
  worker.objectBytes === undefined ? "-" : bytesText(worker.objectBytes),
  worker.memory === undefined ? "-" : memoryText(worker.memory),
  worker.memory === undefined ? "-" : bytesText(worker.memory.spilledBytes),
];

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `  ${line.trimEnd()}\n`)
    .join("");
}

const unsatisfiableLine = ({ resources, tasks }: UnsatisfiableRequest): string =>
  `  ${countText(tasks, "waiting task")}: no worker has ${formatResources(resources)}\n`;

/** A status for a person: a few lines, then a table of the workers. */
export function formatStatus(address: string, status: ClusterStatus): string {
  const { tasks, workers, clients, dataObjects, uptimeMs, unsatisfiable } = status;
  const cpus = workers.reduce((sum, worker) => sum + worker.cpus, 0);
  const counts = Object.entries(tasks)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
  return [
    `Server ${address}, up ${formatDuration(uptimeMs)}\n`,
    `  ${countText(workers.length, "worker")} with ${countText(cpus, "cpu")}, ${countText(clients, "client")}, ${countText(dataObjects, "data object")}\n`,
    `  tasks: ${counts}\n`,
    ...unsatisfiable.map(unsatisfiableLine),
    workers.length === 0 ? "" : `\n${formatTable([HEAD, ...workers.map(workerRow)])}`,
  ].join("");
}
