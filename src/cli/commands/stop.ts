import type { Command } from "@commander-js/extra-typings";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom stop`: ends a server and its workers. */
export function addStopCommand(program: Command, result: CommandResult): void {
  program
    .command("stop")
    .description("end a server and all of its workers")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .action(async ({ server }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      const address = serverOrDefault(server);
      await using client = await Client.connect(address, { signal });
      await client.terminate({ signal });
      process.stdout.write(`Stopped the server at ${address}\n`);
      result.exitCode = EXIT.ok;
    });
}
