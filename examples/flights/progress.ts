import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "hyperloom";

const BAR_WIDTH = 28;
const INTERVAL_MS = 100;

type Counts = { done: number; running: number; total: number; failed: number };

async function readCounts(client: Client): Promise<Counts> {
  const { tasks } = await client.status();
  const { waiting, ready, assigned, running, finished, failed } = tasks;
  const total = waiting + ready + assigned + running + finished + failed;
  return { done: finished, running, total, failed };
}

const formatSeconds = (seconds: number): string =>
  seconds < 60
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** One line: a bar, tasks done, running, tasks a second, time left. */
export function formatProgress(
  { done, running, total, failed }: Counts,
  elapsedMs: number,
): string {
  const share = total === 0 ? 0 : done / total;
  const full = Math.round(share * BAR_WIDTH);
  const bar = "\u2588".repeat(full) + "\u2591".repeat(BAR_WIDTH - full);
  const rate = (done * 1000) / Math.max(elapsedMs, 1);
  const left = rate > 0 ? formatSeconds((total - done) / rate) : "-";
  const failures = failed > 0 ? `, ${failed} failed` : "";
  return `${bar} ${done}/${total} tasks, ${running} running${failures}, ${Math.round(rate)}/s, ${left} left`;
}

/**
 * Shows on stderr how far the cluster is, until disposed: one line that is drawn over and over on
 * a terminal, a line every few seconds elsewhere.
 */
export function showProgress(client: Client): AsyncDisposable {
  const isTerminal = process.stderr.isTTY === true;
  const startMs = performance.now();
  const stopping = new AbortController();
  let lastLineMs = startMs;

  const draw = async (isLast: boolean): Promise<void> => {
    const counts = await readCounts(client);
    const nowMs = performance.now();
    const line = formatProgress(counts, nowMs - startMs);
    if (isTerminal) process.stderr.write(`\r\x1b[2K${line}${isLast ? "\n" : ""}`);
    else if (isLast || nowMs - lastLineMs > 2_000) {
      process.stderr.write(`${line}\n`);
      lastLineMs = nowMs;
    }
  };

  const pause = (): Promise<void> =>
    sleep(INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  const loop = async (): Promise<void> => {
    for (; !stopping.signal.aborted; await pause()) await draw(false);
    await draw(true);
  };
  // Progress is no reason for the pipeline to fail: if the server is lost, the pipeline says so.
  const looping = loop().catch(() => undefined);

  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stopping.abort();
      await looping;
    },
  };
}
