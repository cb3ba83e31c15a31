import type { Command } from "@commander-js/extra-typings";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom cancel TASK...`: ends tasks, with all that needs them, or their whole plans. */
export function addCancelCommand(program: Command, result: CommandResult): void {
  program
    .command("cancel")
    .description("end tasks and what needs them; what is finished stays")
    .argument("<task...>", "numbers, CLIENT/NUMBER, or labels: all tasks that have one")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--plan", "end all else of their plans, too")
    .action(async (names, { server, plan }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      const address = serverOrDefault(server);
      await using client = await Client.connect(address, { signal });
      result.exitCode = EXIT.ok;
      for (const name of names) {
        const tasks = await client.cancelTasks(name, { wholePlan: plan === true, signal });
        for (const { client: owner, task, label } of tasks) {
          process.stdout.write(`${owner}/${task}${label === "" ? "" : ` ${label}`}\n`);
        }
        if (tasks.length > 0) continue;
        process.stderr.write(`No task "${name}" is known at ${address} now.\n`);
        result.exitCode = EXIT.failure;
      }
    });
}
