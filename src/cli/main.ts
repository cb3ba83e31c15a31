#!/usr/bin/env node
import { runHyperloom } from "./run-hyperloom.ts";

// What a command started is closed by now; a connection that lingers must not keep the process.
process.exit(await runHyperloom(process.argv.slice(2)));
