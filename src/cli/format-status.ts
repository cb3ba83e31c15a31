import type { ClusterStatus, UnsatisfiableRequest, WorkerStatus } from "../core/model/status.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1536` is `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? "B"}`;
}

function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** `1 worker`, `2 workers`. */
export const countOf = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

const formatResources = (resources: Readonly<Record<string, number>>): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${amount} ${name}`)
    .join(", ");

const HEAD = ["worker", "cpus", "other", "running", "assigned", "objects", "bytes"];

const workerRow = (worker: WorkerStatus): string[] => [
  worker.name,
  String(worker.cpus),
  formatResources(worker.resources) || "-",
  String(worker.tasksRunning),
  String(worker.tasksAssigned),
  String(worker.objects),
  worker.objectBytes === undefined ? "-" : formatBytes(worker.objectBytes),
];

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `  ${line.trimEnd()}\n`)
    .join("");
}

const unsatisfiableLine = ({ resources, tasks }: UnsatisfiableRequest): string =>
  `  ${countOf(tasks, "waiting task")}: no worker has ${formatResources(resources)}\n`;

/** A status for a person: a few lines, then a table of the workers. */
export function formatStatus(address: string, status: ClusterStatus): string {
  const { tasks, workers, clients, dataObjects, uptimeMs, unsatisfiable } = status;
  const cpus = workers.reduce((sum, worker) => sum + worker.cpus, 0);
  const counts = Object.entries(tasks)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
  return [
    `Server ${address}, up ${formatDuration(uptimeMs)}\n`,
    `  ${countOf(workers.length, "worker")} with ${countOf(cpus, "cpu")}, ${countOf(clients, "client")}, ${countOf(dataObjects, "data object")}\n`,
    `  tasks: ${counts}\n`,
    ...unsatisfiable.map(unsatisfiableLine),
    workers.length === 0 ? "" : `\n${formatTable([HEAD, ...workers.map(workerRow)])}`,
  ].join("");
}
