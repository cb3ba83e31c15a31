import type { Command } from "@commander-js/extra-typings";
import { SERVER_VARIABLE } from "../../client/session/address.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { countOf } from "../format-status.ts";
import {
  CPUS_OPTION_HELP,
  parseClusterSize,
  WORKERS_OPTION_HELP,
} from "../local-cluster-options.ts";
import { MAX_PORT, parseWholeNumber } from "../numbers.ts";
import { untilAborted, watchStopSignals } from "../stop-signals.ts";

/** `hyperloom local`: a server and workers on this machine until Ctrl-C. */
export function addLocalCommand(program: Command, result: CommandResult): void {
  program
    .command("local")
    .description("start a server and workers on this machine, until Ctrl-C")
    .option("-w, --workers <n>", WORKERS_OPTION_HELP)
    .option("-c, --cpus <n>", CPUS_OPTION_HELP)
    .option("-p, --port <n>", "port of the server; 0 takes any free one", "0")
    .option("--json", "print address and size as one line of JSON")
    .action(async ({ workers, cpus, port, json }) => {
      const size = parseClusterSize(workers, cpus);
      const portNumber = parseWholeNumber("--port", port, 0, MAX_PORT);
      const { LocalCluster } = await import("../../client/index.ts");
      const stop = watchStopSignals();
      await using cluster = await LocalCluster.start({
        ...size,
        port: portNumber,
        signal: stop.signal,
      });
      const { address } = cluster;
      process.stdout.write(
        json
          ? `${JSON.stringify({ address, ...size, pid: process.pid })}\n`
          : `Server on ${address}, ${countOf(size.workers, "worker")} with ${countOf(size.cpus, "cpu")} each. Ctrl-C ends them.\n` +
              `Use it by: export ${SERVER_VARIABLE}=${address}\n`,
      );
      await Promise.race([untilAborted(stop.signal), cluster.serverEnded()]);
      result.exitCode = EXIT.ok;
    });
}
