import { Command, CommanderError } from "@commander-js/extra-typings";
import type { CommandResult } from "./command-result.ts";
import { addAccessCommand } from "./commands/access.ts";
import { addCancelCommand } from "./commands/cancel.ts";
import { addDrainCommand } from "./commands/drain.ts";
import { addExplainCommand } from "./commands/explain.ts";
import { addLocalCommand } from "./commands/local.ts";
import { addLogsCommand } from "./commands/logs.ts";
import { addPlansCommand } from "./commands/plans.ts";
import { addRunCommand } from "./commands/run.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addStopCommand } from "./commands/stop.ts";
import { addWaitCommand } from "./commands/wait.ts";
import { EXIT } from "./exit-codes.ts";
import { VERSION } from "./version.ts";

const HELP_END = `
Exit status: 0 done, 1 failure, 2 bad usage, 3 server not reachable, 4 port taken,
5 work directory unusable, 6 timed out. \`hyperloom run\` ends with the status of its script.`;

/** All commands but \`server\` and \`worker\`, which appear here only in the help. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const result: CommandResult = { exitCode: EXIT.ok };
  const program = new Command("hyperloom")
    .description("Runs plans, acyclic graphs of tasks, on a laptop, a lab machine or a cluster")
    .version(VERSION)
    .enablePositionalOptions()
    .showHelpAfterError("(--help shows the options)")
    .addHelpText("after", HELP_END)
    .exitOverride();
  program.command("server").description("start a server; the same as loom-server");
  program.command("worker").description("start a worker; the same as loom-worker");
  addAccessCommand(program, result);
  addLocalCommand(program, result);
  addRunCommand(program, result);
  addStatusCommand(program, result);
  addExplainCommand(program, result);
  addPlansCommand(program, result);
  addCancelCommand(program, result);
  addDrainCommand(program, result);
  addLogsCommand(program, result);
  addSimulateCommand(program, result);
  addStopCommand(program, result);
  addWaitCommand(program, result);
  try {
    await program.parseAsync(args, { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is an "error" without a fault.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}
