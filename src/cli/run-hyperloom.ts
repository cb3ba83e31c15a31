import { reportError } from "./cli-error.ts";

/**
 * The command `hyperloom`.
 * @param args the command line after the program's name
 * @returns the exit status
 */
export async function runHyperloom(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    // These two have the command lines of loom-server and loom-worker, and start without a delay.
    if (command === "server") {
      const { runServer } = await import("./server/run-server.ts");
      return await runServer("hyperloom server", rest);
    }
    if (command === "worker" && rest[0] === "drain") {
      const { runProgram } = await import("./program.ts");
      return await runProgram(["drain-worker", ...rest.slice(1)]);
    }
    if (command === "worker") {
      const { runWorker } = await import("./worker/run-worker.ts");
      return await runWorker("hyperloom worker", rest);
    }
    const { runProgram } = await import("./program.ts");
    return await runProgram(args);
  } catch (error) {
    return reportError("hyperloom", error);
  }
}
