// Real worker processes on one machine, one-cpu programs on them, and a fan-in of all results to one:
//   npm run build && node scripts/many-workers.mjs --workers 100 --tasks 20000
// Prints for rising numbers of tasks what the server spends on each, which is to stay flat, and fails
// if a worker is lost or a result is wrong.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Client, LocalCluster, tasks } from "../dist/bin/client.js";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "100" },
    tasks: { type: "string", default: "20000" },
  },
});
const workerCount = Number(values.workers);
const taskCount = Number(values.tasks);
/** Of Linux: the clock's ticks in a second that /proc counts in. */
const TICKS_PER_S = 100;

/** User and system time of a process so far. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

const peakMib = (pid) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

const line = (task) => `line ${task}\n`;

const cluster = await LocalCluster.start({ workers: workerCount, cpus: 1, pin: false });
try {
  const client = await Client.connect(cluster.address);
  try {
    for (const count of [taskCount / 4, taskCount / 2, taskCount].map(Math.floor)) {
      const before = cpuSeconds(cluster.serverPid);
      const startMs = performance.now();
      const parts = Array.from({ length: count }, (_, task) =>
        tasks.run(["printf", "%s", line(task)], { resources: { cpus: 1 } }),
      );
      const joined = await client.submit(tasks.merge(parts)).gather();
      const seconds = (performance.now() - startMs) / 1000;
      const serverUs = ((cpuSeconds(cluster.serverPid) - before) / count) * 1e6;
      const { workers } = await client.stats();
      const expected = Array.from({ length: count }, (_, task) => line(task)).join("");
      process.stdout.write(
        `${count} tasks: ${seconds.toFixed(1)} s, server ${serverUs.toFixed(0)} us a task, ` +
          `peak ${peakMib(cluster.serverPid).toFixed(0)} MiB, ${workers} workers\n`,
      );
      if (workers !== workerCount) throw new Error(`${workerCount - workers} workers were lost`);
      if (joined.toString() !== expected) throw new Error("the results are not those of the tasks");
    }
  } finally {
    await client.close();
  }
} finally {
  await cluster.close();
}
