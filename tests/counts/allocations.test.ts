import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { expectCounts } from "./expected.ts";

/** Compilers decide anew in each run which objects are never made. */
const TOLERANCE = { worseMax: 1.3, betterMin: 0.6 };

test("what the scheduler allocates for a task", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hyperloom-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const outfile = join(directory, "load.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("./scheduler-load.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--min-semi-space-size=256",
    "--max-semi-space-size=256",
    outfile,
  ]);
  const allocated = JSON.parse(stdout) as { heapBytes: number; bufferBytes: number };
  expect(allocated.heapBytes).toBeGreaterThan(0);
  expectCounts("scheduler, allocated bytes a task", allocated, TOLERANCE);
}, 60_000);
