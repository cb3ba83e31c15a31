#!/usr/bin/env node
import { basename } from "node:path";
import { runServer } from "./server/run-server.ts";

const status = await runServer(
  basename(process.argv[1] ?? "loom-server", ".js"),
  process.argv.slice(2),
);
// Everything is closed by now; a connection that lingers must not keep the process.
process.exit(status);
