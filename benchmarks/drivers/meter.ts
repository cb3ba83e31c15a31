import type { Figures, Sample } from "../harness/cases.ts";
import {
  peakBytesOf,
  readCpuSeconds,
  readMachineSeconds,
  resetPeak,
} from "../harness/processes.ts";

/** Adds up wall clock and CPU of all processes of a run over the parts that count. */
export type Meter = {
  start(): void;
  /** Seconds since `start`. */
  stop(): number;
  /** CPU seconds so far, of the processes whose names begin so. */
  cpuSeconds(prefix: string): number;
  sample(figures: Figures): Sample;
};

/** @param clusterPids the cluster's processes by name; this process is added as "client" */
export function createMeter(clusterPids: Readonly<Record<string, number>>): Meter {
  const pidByName = { ...clusterPids, client: process.pid };
  const pids = Object.entries(pidByName);
  const cpuSeconds: Record<string, number> = Object.fromEntries(pids.map(([name]) => [name, 0]));
  let wallSeconds = 0;
  let startMs = 0;
  let before: Record<string, number> = {};
  let isFirst = true;
  let machineBefore = readMachineSeconds();
  let machineBusy = 0;
  let machineAll = 0;
  /** What everything else took of the machine's cpus meanwhile, in percent. */
  const othersPercent = (): number => {
    const own = Object.values(cpuSeconds).reduce((sum, seconds) => sum + seconds, 0);
    return Math.max(0, (machineBusy - own) / machineAll) * 100;
  };
  return {
    start() {
      if (isFirst) for (const [, pid] of pids) resetPeak(pid);
      isFirst = false;
      machineBefore = readMachineSeconds();
      before = readCpuSeconds(pidByName);
      startMs = performance.now();
    },
    stop() {
      const seconds = (performance.now() - startMs) / 1000;
      wallSeconds += seconds;
      const machine = readMachineSeconds();
      machineBusy += machine.busy - machineBefore.busy;
      machineAll += machine.all - machineBefore.all;
      for (const [name, now] of Object.entries(readCpuSeconds(pidByName))) {
        cpuSeconds[name] = (cpuSeconds[name] ?? 0) + now - (before[name] ?? 0);
      }
      return seconds;
    },
    cpuSeconds(prefix) {
      return Object.entries(cpuSeconds)
        .filter(([name]) => name.startsWith(prefix))
        .reduce((sum, [, seconds]) => sum + seconds, 0);
    },
    sample: (figures) => ({
      wallSeconds,
      cpuSeconds: { ...cpuSeconds },
      peakBytes: Object.fromEntries(pids.map(([name, pid]) => [name, peakBytesOf(pid)])),
      figures: machineAll > 0.2 ? { ...figures, othersPercent: othersPercent() } : figures,
    }),
  };
}

/** CPU of server, workers and client for each of `taskCount` tasks, in us, where they are known. */
export function cpuFigures(meter: Meter, taskCount: number): Record<string, number> {
  const perTask = ["server", "worker", "client"].map(
    (name) => [`${name}CpuUsPerTask`, (meter.cpuSeconds(name) / taskCount) * 1e6] as const,
  );
  // Processes of other machines, and stubs in place of workers, show as nothing.
  return Object.fromEntries(perTask.filter(([, us]) => us > 0));
}
