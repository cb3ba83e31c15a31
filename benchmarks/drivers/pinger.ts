// A client that asks for the server's counts every few ms, as a heartbeat would come: how long do
// others wait while the server has much to do? Each line on standard input is answered by a line:
// the longest time that an answer has taken since the line before, in ms.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Hyperloom } from "./scenario.ts";

const PAUSE_MS = 3;

const [build = "", address = ""] = process.argv.slice(2);
const hyperloom = (await import(
  pathToFileURL(join(build, "dist/bin/client.js")).href
)) as Hyperloom;
await using client = await hyperloom.Client.connect(address);

let longestMs = 0;
/** Answers the lines that came while a question was open, once it is answered. */
let waiting = 0;
let hasEnded = false;
const lines = createInterface({ input: process.stdin });
lines.on("line", () => {
  waiting++;
});
lines.on("close", () => {
  hasEnded = true;
});
while (!hasEnded) {
  const startMs = performance.now();
  await client.stats();
  longestMs = Math.max(longestMs, performance.now() - startMs);
  for (; waiting > 0; waiting--) {
    process.stdout.write(`${longestMs}\n`);
    longestMs = 0;
  }
  await delay(PAUSE_MS);
}
