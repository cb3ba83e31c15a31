import type { Command } from "@commander-js/extra-typings";
import { countText } from "../../core/base/units.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom worker drain WORKER`: has a worker leave without losing anything. */
export function addDrainCommand(program: Command, result: CommandResult): void {
  program
    .command("drain-worker", { hidden: true })
    .usage("WORKER [--server HOST:PORT], as: hyperloom worker drain WORKER")
    .description("have a worker leave once others have what only it holds")
    .argument("<worker>", "its name as `hyperloom status` shows it, or its number")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .action(async (name, { server }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      await using client = await Client.connect(serverOrDefault(server), { signal });
      const { workers } = await client.drainWorker(name, { signal });
      const worker = workers.find((each) => each.name === name || String(each.id) === name);
      const others = workers.filter(({ isDraining }) => isDraining !== true).length;
      process.stdout.write(
        worker?.isDraining === true
          ? `Worker ${worker.name} is draining: it runs ${countText(worker.tasksRunning, "task")} and holds ${countText(worker.objects, "data object")}\n`
          : `Worker ${name} has left\n`,
      );
      if (worker !== undefined && worker.objects > 0 && others === 0) {
        process.stdout.write(
          "No other worker can take its data over: it leaves when one has joined, or its data is released\n",
        );
      }
      result.exitCode = EXIT.ok;
    });
}
