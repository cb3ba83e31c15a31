import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Case, Figures, Row, RunContext, Sample } from "../harness/cases.ts";
import { Unavailable } from "../harness/cases.ts";
import { startCluster } from "../harness/cluster.ts";
import { createNamespaces } from "../harness/namespaces.ts";
import { measureScenario, runClient } from "../harness/run-driver.ts";
import { measureSocketPair } from "../limits/limits.ts";
import { SIDES } from "./workers.ts";

const MEGABYTE = 2 ** 20;
/** Objects that one cluster moves, one after the other; their median counts. */
const REPEATS = 3;

/** Makes workers of one host behave as on two. */
const APART = "--no-shared-files";

/** Whether the workers of a build know a flag; those of older builds may not. */
function hasFlag(directory: string, flag: string): boolean {
  const worker = join(directory, "dist/bin/loom-worker.js");
  const { stdout } = spawnSync(process.execPath, [worker, "--help"], { encoding: "utf8" });
  return stdout.includes(flag);
}

/** Left worker, server and client in one namespace, the right worker in the other. */
async function measureTwoHosts(context: RunContext, sizeBytes: number): Promise<Sample> {
  if (context.subject.kind !== "build") throw new Unavailable("only for builds of this product");
  using hosts = createNamespaces();
  const { left, right } = hosts;
  const limit = await measureSocketPair("fresh", {
    host: left.host,
    serverPrefix: left.prefix,
    clientPrefix: right.prefix,
  });
  await using cluster = await startCluster(context, {
    host: left.host,
    serverPrefix: left.prefix,
    workers: [],
  });
  // The namespaces have their files in common, which two hosts have not.
  const args = hasFlag(context.subject.directory, APART) ? [APART] : [];
  const prefixes = [left.prefix, right.prefix];
  SIDES.forEach((side, index) => {
    cluster.addWorker({ ...side, args, prefix: prefixes[index] ?? [] });
  });
  const parameters = { sizeBytes, repeats: REPEATS };
  const sample = await runClient(context, "transferLarge", parameters, cluster, 2, left.prefix);
  return { ...sample, figures: { ...sample.figures, ...limit } };
}

function shareOfSocketPair(figures: Figures, limits: Figures = {}): Figures {
  const pair = limits["socketPairBytesPerSecond"] ?? figures["socketPairBytesPerSecond"];
  return {
    shareOfSocketPair: (figures["bytesPerSecond"] ?? Number.NaN) / (pair ?? Number.NaN),
  };
}

function casesOf(sizeBytes: number, count: number): Case[] {
  const name = `${sizeBytes / MEGABYTE} MB`;
  return [
    {
      name: `${name}, worker to worker, two hosts`,
      headline: "bytesPerSecond",
      goals: [
        { figure: "shareOfSocketPair", atLeast: 0.9 },
        { figure: "peakOverObject", atMost: 1.1 },
      ],
      peers: "original 845 MB/s, Dask 1.1 GB/s",
      measure: (context) => measureTwoHosts(context, sizeBytes),
      derive: shareOfSocketPair,
    },
    {
      name: `${name}, worker to worker, one host`,
      headline: "bytesPerSecond",
      goals: [{ figure: "bytesPerSecond", atLeast: 3e9 }],
      limits: ["socketPair", "memcpy"],
      measure: (context) =>
        measureScenario(
          context,
          "transferLarge",
          { sizeBytes, repeats: REPEATS },
          { workers: SIDES },
        ),
      derive: shareOfSocketPair,
    },
    {
      name: `${name}, to the client`,
      headline: "bytesPerSecond",
      goals: [
        { figure: "bytesPerSecond", atLeast: 800e6 },
        { figure: "shareOfSocketPair", atLeast: 0.45 },
        { figure: "serverPeakOverObject", atMost: 0.5 },
      ],
      limits: ["socketPair", "socketPairWarm", "memcpy"],
      peers: "original 329 MB/s, with 2 copies in the server",
      measure: (context) =>
        measureScenario(context, "fetchLarge", { sizeBytes, repeats: REPEATS }, { workers: SIDES }),
      derive: shareOfSocketPair,
    },
    {
      name: `${count} objects of 64 KB, worker to worker`,
      headline: "objectsPerSecond",
      goals: [{ figure: "objectsPerSecond", atLeast: 10_000 }],
      limits: ["socketPair"],
      peers: "Dask 1.5k/s",
      measure: (context) =>
        measureScenario(
          context,
          "transferSmall",
          { count, sizeBytes: 64 * 1024 },
          {
            workers: SIDES,
          },
        ),
      derive: shareOfSocketPair,
    },
  ];
}

export const ROW: Row = {
  number: 13,
  title: "Transfers of data objects",
  cases: (quick) => casesOf((quick ? 64 : 256) * MEGABYTE, quick ? 500 : 2_000),
};
