import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "@commander-js/extra-typings";
import type { Client } from "../../client/index.ts";
import { countText } from "../../core/base/units.ts";
import { CliError } from "../cli-error.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { parseSecondsAsMs, parseWholeNumber } from "../numbers.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { type StopWatch, watchStopSignals } from "../stop-signals.ts";

const POLL_MS = 50;
const MAX_WORKERS = 1_000_000;

/** `hyperloom wait --workers N`: returns once that many workers have joined. */
export function addWaitCommand(program: Command, result: CommandResult): void {
  program
    .command("wait")
    .description("wait until a number of workers have joined a server")
    .requiredOption("-w, --workers <n>", "how many workers")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("-t, --timeout <seconds>", "give up after this time, with exit status 6")
    .option("--json", "print the outcome as one line of JSON")
    .action(async ({ workers, server, timeout, json }) => {
      const wanted = parseWholeNumber("--workers", workers, 0, MAX_WORKERS);
      const deadline = timeout === undefined ? undefined : parseSecondsAsMs("--timeout", timeout);
      const stop = watchStopSignals();
      const address = serverOrDefault(server);
      const joined = await waitForWorkers(address, wanted, deadline, stop);
      process.stdout.write(
        json
          ? `${JSON.stringify({ workers: joined })}\n`
          : `${countText(joined, "worker")} joined\n`,
      );
      result.exitCode = EXIT.ok;
    });
}

/** @returns how many workers there are, at least `wanted` */
async function waitForWorkers(
  address: string,
  wanted: number,
  timeoutMs: number | undefined,
  stop: StopWatch,
): Promise<number> {
  const { Client } = await import("../../client/index.ts");
  const timedOut = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signal = timedOut === undefined ? stop.signal : AbortSignal.any([stop.signal, timedOut]);
  const last = { workers: 0 };
  try {
    await using client = await Client.connect(address, { signal });
    return await poll(client, wanted, signal, last);
  } catch (error) {
    if (timedOut?.aborted && !stop.signal.aborted) {
      const text = `${last.workers} of ${countText(wanted, "worker")} joined ${address} in time`;
      throw new CliError(EXIT.timedOut, text, { cause: error });
    }
    throw stop.signal.aborted ? stop.signal.reason : error;
  }
}

async function poll(
  client: Client,
  wanted: number,
  signal: AbortSignal,
  last: { workers: number },
): Promise<number> {
  for (;;) {
    const { workers } = await client.stats({ signal });
    last.workers = workers;
    if (workers >= wanted) return workers;
    await sleep(POLL_MS, undefined, { signal });
  }
}
