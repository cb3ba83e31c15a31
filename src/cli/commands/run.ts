import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "@commander-js/extra-typings";
import { SERVER_VARIABLE } from "../../client/session/address.ts";
import { CliError } from "../cli-error.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { CLUSTER_OPTIONS, gather, parseClusterOptions } from "../local-cluster-options.ts";
import { runScript } from "../run-script.ts";
import { namedServer } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom run SCRIPT`: runs a pipeline against a server or a cluster of its own. */
export function addRunCommand(program: Command, result: CommandResult): void {
  program
    .command("run")
    .description("run a pipeline written in TypeScript or JavaScript")
    .argument("<script>", "path of the pipeline: .ts, .mts, .js or .mjs")
    .argument("[args...]", "handed to the pipeline; a -- before them is left out")
    .option(
      "-s, --server <host:port>",
      `address of the server (default: $${SERVER_VARIABLE}, else a cluster that lives as long as the script)`,
    )
    .option(...CLUSTER_OPTIONS.workers)
    .option(...CLUSTER_OPTIONS.cpus)
    .option(...CLUSTER_OPTIONS.memory)
    .option(...CLUSTER_OPTIONS.wdir)
    .option(...CLUSTER_OPTIONS.load, gather, [])
    .addHelpText(
      "after",
      "\nThe options of workers are for the cluster that is started without a server.",
    )
    .passThroughOptions()
    .action(async (script, rest, { server, ...texts }) => {
      const path = checkScript(script);
      const args = rest[0] === "--" ? rest.slice(1) : rest;
      const options = parseClusterOptions(texts);
      const stop = watchStopSignals();
      const named = namedServer(server);
      if (named !== undefined) {
        result.exitCode = await runScript(path, args, named, stop);
        return;
      }
      const { LocalCluster } = await import("../../client/index.ts");
      await using cluster = await LocalCluster.start({ ...options, signal: stop.signal });
      result.exitCode = await runScript(path, args, cluster.address, stop);
    });
}

function checkScript(script: string): string {
  const path = resolve(script);
  if (existsSync(path) && statSync(path).isFile()) return path;
  throw new CliError(EXIT.usage, `There is no script ${path}`);
}
