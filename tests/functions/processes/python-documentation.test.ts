import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import { PYTHON } from "./python/interpreter.ts";

const ROOT = join(import.meta.dirname, "../../..");
const page = await readFile(join(ROOT, "docs/functions-python.md"), "utf8");
const programs = page.split(/^## /m).flatMap((section) => {
  const heading = section.split("\n", 1)[0]?.replace("# ", "") ?? "";
  return [...section.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code = ""]) => ({
    heading,
    code,
  }));
});

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({ workers: 1, workerArgs: ["--python", PYTHON] });
}, 60_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

test("the page has programs", () => {
  expect(programs.length).toBeGreaterThanOrEqual(5);
});

test.each(programs)("the program of '$heading' prints what it says", async ({ heading, code }) => {
  const path = join(cluster.scratch, `${heading.replaceAll(/\W/g, "-")}.py`);
  await writeFile(path, code);
  const { stdout } = await promisify(execFile)(PYTHON, [path], {
    timeout: 30_000,
    env: {
      ...process.env,
      PYTHONPATH: join(ROOT, "python"),
      HYPERLOOM_SERVER: cluster.address,
    },
  });
  const lines = [...code.matchAll(/^# prints: (.*)$/gm)].map(([, line]) => line);
  expect(stdout.trim().split("\n")).toEqual(lines);
});
