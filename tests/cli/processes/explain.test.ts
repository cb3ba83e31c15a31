import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { TaskExplanation } from "../../../src/client/index.ts";
import { tasks } from "../../../src/client/index.ts";
import { startCluster } from "../../system/processes/cluster.ts";
import { runToEnd } from "./programs.ts";

test("tasks of a running plan are explained by future and on the command line", async () => {
  await using cluster = await startCluster({ workers: 1, cpus: 1 });
  await using client = await cluster.connect();
  // Until its input is closed, cat occupies the only cpu: a pipe that the test alone ends.
  const fifo = `${cluster.scratch}/fifo`;
  const made = tasks.run(["mkfifo", fifo]);
  await client.submit(made).wait();
  const holds = tasks.run(["cat", fifo], { label: "holds the cpu" });
  const needs = tasks.run(["cat"], { stdin: holds, label: "needs it" });
  const huge = tasks.run(["true"], { label: "huge", resources: { cpus: 99 } });
  const [needsFuture, hugeFuture] = client.submit([needs, huge]);

  const needsIt = await needsFuture.explain();
  expect(needsIt).toMatchObject({ label: "needs it", missingInputCount: 1 });
  expect(needsIt.missingInputs[0]).toMatchObject({ label: "holds the cpu" });
  expect(needsIt.text).toContain("holds the cpu");
  const hugeOne = await hugeFuture.explain();
  expect(hugeOne).toMatchObject({ state: "ready", candidates: [], request: { cpus: 99 } });

  const args = ["explain", "huge", "--server", cluster.address];
  const told = await runToEnd("hyperloom", args);
  expect(told).toMatchObject({ code: 0, stderr: "" });
  expect(told.stdout).toContain("asks for cpus=99, which no worker offers");
  const json = await runToEnd("hyperloom", [...args, "--json"]);
  expect((JSON.parse(json.stdout) as TaskExplanation).task).toBe(hugeFuture.id);
  const byNumber = await runToEnd("hyperloom", [
    "explain",
    `${hugeOne.client}/${hugeOne.task}`,
    "--server",
    cluster.address,
  ]);
  expect(byNumber.stdout).toBe(told.stdout);

  // The other end of the pipe lets everything go on; the one that nobody can run is given up.
  hugeFuture.release();
  await writeFile(fifo, "done\n");
  expect((await needsFuture.fetch()).toString()).toBe("done\n");
  expect(await needsFuture.explain()).toMatchObject({ state: "finished", sizeBytes: 5 });
});

test("a task that is not known says what to give", async () => {
  await using cluster = await startCluster({ workers: 0 });
  const { code, stderr } = await runToEnd("hyperloom", [
    "explain",
    "nobody",
    "--server",
    cluster.address,
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain('No task "nobody" is known');
  await using client = await cluster.connect();
  const future = client.submit(tasks.run(["true"]));
  future.release();
  await expect(future.explain()).rejects.toMatchObject({ code: "request-refused" });
});
