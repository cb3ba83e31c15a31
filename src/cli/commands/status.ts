import type { Command } from "@commander-js/extra-typings";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { formatStatus } from "../format-status.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom status`: who is there and what it does. */
export function addStatusCommand(program: Command, result: CommandResult): void {
  program
    .command("status")
    .description("show a server's workers and tasks")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--json", "print the status as one line of JSON")
    .action(async ({ server, json }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      const address = serverOrDefault(server);
      await using client = await Client.connect(address, { signal });
      const status = await client.status({ signal });
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : formatStatus(address, status));
      result.exitCode = EXIT.ok;
    });
}
