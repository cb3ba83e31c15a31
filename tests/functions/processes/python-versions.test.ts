import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import { PYTHON, runScript } from "./python/interpreter.ts";

/** The program before the call ends only when a notice has come. */
const call = (cluster: TestCluster, ...version: string[]) =>
  runScript<{ readonly notices: string[]; readonly result: string }>("notices.py", [
    cluster.port,
    join(cluster.scratch, "gate"),
    ...version,
  ]);

const askPython = (expression: string): string =>
  execFileSync(PYTHON, ["-c", `import sys; print(${expression})`], { encoding: "utf8" }).trim();

test("a client of another Python than the worker's is told before its programs end", async () => {
  await using cluster = await startCluster({ workers: 1, workerArgs: ["--python", PYTHON] });
  const told = await call(cluster, "3.7.1");
  expect(told).toEqual({ notices: [expect.any(String)], result: "abab" });
  const [notice = ""] = told.notices;
  expect(notice).toMatch(/^Worker 127\.0\.0\.1:\d+: /);
  const [version, interpreter] = [askPython("sys.version.split()[0]"), askPython("sys.executable")];
  expect(notice).toContain(`called by ${interpreter}, Python ${version}; `);
  expect(notice).toContain("this client has Python 3.7.1");
  expect(notice).toContain("--python and an interpreter of version 3.7");
  await cluster.server.waitFor(/Python functions of a client do not fit.*3\.7\.1/);
});

test("a client is told of a worker without cloudpickle before its programs end", async () => {
  await using cluster = await startCluster({ workers: 0 });
  const hidden = join(cluster.scratch, "hidden");
  await mkdir(hidden);
  await writeFile(
    join(hidden, "cloudpickle.py"),
    `raise ModuleNotFoundError("No module named 'cloudpickle'")\n`,
  );
  await cluster.startWorker([], { PYTHONPATH: hidden });
  const { notices, result } = await call(cluster);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(/^Worker 127\.0\.0\.1:\d+: This worker has no Python for functions/);
  expect(notices[0]).toMatch(/: ModuleNotFoundError: No module named 'cloudpickle'\n.*--python/s);
  expect(result).toContain("No module named 'cloudpickle'");
});
