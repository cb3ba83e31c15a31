import type { Command } from "@commander-js/extra-typings";
import { bytesText } from "../../core/base/units.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

/** `hyperloom logs TASK`: what it wrote to stdout and stderr. */
export function addLogsCommand(program: Command, result: CommandResult): void {
  program
    .command("logs")
    .description("show what a task wrote to stdout and stderr")
    .argument("<task>", "its number, CLIENT/NUMBER, or its label")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("-f, --follow", "go on until the task ends")
    .option("--stdout", "only its stdout")
    .option("--stderr", "only its stderr")
    .action(async (task, { server, follow, stdout, stderr }) => {
      const { Client } = await import("../../client/index.ts");
      const { signal } = watchStopSignals();
      await using client = await Client.connect(serverOrDefault(server), { signal });
      const isOne = stdout !== stderr;
      const stream = isOne ? ({ stream: stdout ? "stdout" : "stderr" } as const) : {};
      for await (const chunk of client.logs(task, { follow: follow === true, signal, ...stream })) {
        if (chunk.skippedBytes > 0) {
          process.stderr.write(`[${bytesText(chunk.skippedBytes)} were not kept]\n`);
        }
        (chunk.stream === "stdout" ? process.stdout : process.stderr).write(chunk.bytes);
      }
      result.exitCode = EXIT.ok;
    });
}
