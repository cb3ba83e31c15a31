import type { Command } from "@commander-js/extra-typings";
import { SERVER_VARIABLE } from "../../client/session/address.ts";
import { countText } from "../../core/base/units.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { CLUSTER_OPTIONS, gather, parseClusterOptions } from "../local-cluster-options.ts";
import { MAX_PORT, parseWholeNumber } from "../numbers.ts";
import { untilAborted, watchStopSignals } from "../stop-signals.ts";

/** `hyperloom local`: a server and workers on this machine until Ctrl-C. */
export function addLocalCommand(program: Command, result: CommandResult): void {
  program
    .command("local")
    .description("start a server and workers on this machine, until Ctrl-C")
    .option(...CLUSTER_OPTIONS.workers)
    .option(...CLUSTER_OPTIONS.cpus)
    .option(...CLUSTER_OPTIONS.memory)
    .option(...CLUSTER_OPTIONS.wdir)
    .option(...CLUSTER_OPTIONS.load, gather, [])
    .option("-p, --port <n>", "port of the server; 0 takes any free one", "0")
    .option("--json", "print address and size as one line of JSON")
    .action(async ({ port: portText, json, ...texts }) => {
      const options = parseClusterOptions(texts);
      const port = parseWholeNumber("--port", portText, 0, MAX_PORT);
      const { LocalCluster } = await import("../../client/index.ts");
      const stop = watchStopSignals();
      await using cluster = await LocalCluster.start({ ...options, port, signal: stop.signal });
      const { address } = cluster;
      const { workers, cpus } = options;
      process.stdout.write(
        json
          ? `${JSON.stringify({ address, workers, cpus, pid: process.pid })}\n`
          : `Server on ${address}, ${countText(workers, "worker")} with ${countText(cpus, "cpu")} each. Ctrl-C ends them.\n` +
              `Use it by: export ${SERVER_VARIABLE}=${address}\n`,
      );
      await Promise.race([untilAborted(stop.signal), cluster.serverEnded()]);
      result.exitCode = EXIT.ok;
    });
}
