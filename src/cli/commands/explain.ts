import type { Command } from "@commander-js/extra-typings";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom explain TASK`: why it waits, is where it is, or ran again. */
export function addExplainCommand(program: Command, result: CommandResult): void {
  program
    .command("explain")
    .description("say why a task waits, is where it is, or ran again")
    .argument("<task>", "its number, CLIENT/NUMBER, or its label")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--json", "print one line of JSON for each task")
    .action(async (task, { server, json }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      const address = serverOrDefault(server);
      await using client = await Client.connect(address, { signal });
      const explanations = await client.explain(task, { signal });
      for (const explanation of explanations) {
        process.stdout.write(`${json ? JSON.stringify(explanation) : explanation.text}\n`);
      }
      if (explanations.length > 0) {
        result.exitCode = EXIT.ok;
        return;
      }
      process.stderr.write(
        `No task "${task}" is known at ${address} now: it never was, or it is done and nothing needs its data. ` +
          "Give its number, CLIENT/NUMBER, or its label.\n",
      );
      result.exitCode = EXIT.failure;
    });
}
