// Passes much more data through two workers than they have memory for, and says what they used:
//   npm run large-data -- --total 20G --memory 1G
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Client, LocalCluster, tasks } from "../dist/client/index.js";

const { values: flags } = parseArgs({
  options: {
    total: { type: "string", default: "20G" },
    memory: { type: "string", default: "1G" },
    workers: { type: "string", default: "2" },
    wdir: { type: "string" },
  },
});

const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const sizeOf = (text) => Number.parseFloat(text) * (UNITS[text.at(-1)] ?? 1);
const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const HALF_BYTES = 400_000;
const INPUTS = 24;

const say = (text) => process.stdout.write(`${text}\n`);

/** Bytes of memory of a process: kinds are the names in its status file. */
function memoryOf(pid, kind) {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  return 1024 * Number(new RegExp(`^${kind}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

const totalBytes = sizeOf(flags.total);
const pieceBytes = 2 * HALF_BYTES + 16;
// Half of the data is pieces in memory, half is what they are merged to.
const count = INPUTS * Math.max(1, Math.round(totalBytes / 2 / pieceBytes / INPUTS));

const cluster = await LocalCluster.start({
  workers: Number(flags.workers),
  memory: flags.memory,
  ...(flags.wdir !== undefined && { workDirectory: flags.wdir }),
});
const client = await Client.connect(cluster.address);
const startBytes = cluster.workerPids.map((pid) => memoryOf(pid, "VmRSS"));
const startMs = performance.now();

const half = tasks.const(Buffer.alloc(HALF_BYTES, "0123456789abcdef"));
const pieces = Array.from({ length: count }, (_, i) =>
  tasks.merge([tasks.const(String(i).padStart(16, "0")), half, half]),
);
// Each merged one takes pieces from all over, so that half of them come from the other worker.
const groups = count / INPUTS;
const merged = Array.from({ length: groups }, (_, g) =>
  tasks.merge(Array.from({ length: INPUTS }, (_, k) => pieces[k * groups + g])),
);
const sizes = tasks.size(merged);
const samples = merged.filter((_, g) => g % Math.ceil(groups / 20) === 0);
const sums = samples.map((sample) => tasks.run(["md5sum"], { stdin: sample }));
const futures = client.submit([sizes, ...sums]);
let spilledMost = 0;
const watching = setInterval(async () => {
  const { workers } = await client.status().catch(() => ({ workers: [] }));
  const spilled = workers.reduce((sum, { memory }) => sum + (memory?.spilledBytes ?? 0), 0);
  spilledMost = Math.max(spilledMost, spilled);
}, 500);
const [size, ...found] = await Promise.all(futures.map((future) => future.gather()));
clearInterval(watching);
const seconds = (performance.now() - startMs) / 1000;
const peaks = cluster.workerPids.map((pid) => memoryOf(pid, "VmHWM"));
say(
  `${gib(count * pieceBytes + groups * INPUTS * pieceBytes)} in ${count} pieces and ${groups} merged ones`,
);
say(
  `${seconds.toFixed(1)} s; size ${Buffer.from(size).readBigUInt64LE()}, ${new Set(found.map(String)).size} different of ${found.length} samples`,
);
say(
  `memory limit ${flags.memory}; workers before ${startBytes.map(mib)}, at their peak ${peaks.map(mib)}; spilled at most ${gib(spilledMost)}`,
);
await client.close();
await cluster.close();
