#!/usr/bin/env node
import { basename } from "node:path";
import { runWorker } from "./worker/run-worker.ts";

const status = await runWorker(
  basename(process.argv[1] ?? "loom-worker", ".js"),
  process.argv.slice(2),
);
// Everything is closed by now; a connection that lingers must not keep the process.
process.exit(status);
