import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runToEnd } from "./programs.ts";

const FILE = fileURLToPath(new URL("../../golden/workflows/two-branches.json", import.meta.url));

test("simulate prints what a workflow takes and what more workers would bring", async () => {
  const { code, stdout, stderr } = await runToEnd("hyperloom", [
    "simulate",
    FILE,
    "--workers",
    "1x1",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^two-branches: 4 tasks, 25\.0 s of cpu time\n1 workers with 1 cpus each/);
  expect(stdout).toMatch(/^makespan {7}2[45]\.\d s$/m);
  expect(stdout).toMatch(/^critical path {2}15\.0 s, \d+ % of the makespan$/m);
  expect(stdout).toMatch(/^ {2}2 workers +1\d\.\d s {2}1\.\d+ times as fast/m);
  expect(stdout).toMatch(/^ {2}1 worker, transfers take no time/m);
});

test("simulate prints JSON, and each policy comes to an end", async () => {
  for (const policy of ["hyperloom", "original", "etf"]) {
    const args = ["simulate", FILE, "--json", "--policy", policy, "--bandwidth", "1MiB/s"];
    const { code, stdout } = await runToEnd("hyperloom", args);
    expect(code).toBe(0);
    const prediction = JSON.parse(stdout);
    expect(prediction).toMatchObject({ workflow: "two-branches", tasks: 4 });
    expect(prediction.makespanUs).toBeGreaterThan(14_000_000);
    expect(prediction.alternatives).toHaveLength(3);
  }
});

test.each([
  { args: [], says: "file" },
  { args: ["no-such-file.json"], says: "no-such-file.json cannot be read" },
  { args: [fileURLToPath(import.meta.url)], says: "it is no JSON" },
  { args: [FILE, "--workers", "many"], says: "--workers" },
  { args: [FILE, "--bandwidth", "fast"], says: "--bandwidth" },
  { args: [FILE, "--latency", "short"], says: "--latency" },
  { args: [FILE, "--policy", "best"], says: "hyperloom, original, random, blevel-gt, ws, etf" },
  { args: [FILE, "--knowledge", "all"], says: "known, learned, unknown" },
  { args: [FILE, "--graph", "other"], says: "two-branches" },
])("simulate $args is a usage error", async ({ args, says }) => {
  const { code, stderr } = await runToEnd("hyperloom", ["simulate", ...args]);
  expect(stderr).toContain(says);
  expect(code).toBe(2);
});
