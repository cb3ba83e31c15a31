import { writeFile } from "node:fs/promises";
import type { Command } from "@commander-js/extra-typings";
import type { Client, Future } from "../../client/index.ts";
import { CliError } from "../cli-error.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { formatPlans } from "../format-plans.ts";
import { parseSecondsAsMs } from "../numbers.ts";
import { SERVER_OPTION_HELP, serverOrDefault } from "../server-address.ts";
import { watchStopSignals } from "../stop-signals.ts";

const NAME_HELP = "the plan's name";

/** `hyperloom plans`, and what it does with one: plans that live without the client that submitted them. */
export function addPlansCommand(program: Command, result: CommandResult): void {
  const plans = program
    .command("plans")
    .description("list the plans that live without their clients; wait for, fetch or end one");
  plans
    .command("list", { isDefault: true })
    .description("list them (as without a command)")
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--json", "print one line of JSON")
    .action(async ({ server, json }) => {
      await withClient(server, async (client, signal) => {
        const list = await client.plans({ signal });
        process.stdout.write(json ? `${JSON.stringify(list)}\n` : formatPlans(list, Date.now()));
      });
      result.exitCode = EXIT.ok;
    });
  plans
    .command("wait")
    .description("return once all results of a plan are finished")
    .argument("<name>", NAME_HELP)
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("--timeout <seconds>", "give up after so long (default: never)")
    .action(async (name, { server, timeout }) => {
      const timeoutMs = timeout === undefined ? undefined : parseSecondsAsMs("--timeout", timeout);
      await withClient(server, (client, signal) => waitFor(client, name, timeoutMs, signal));
      result.exitCode = EXIT.ok;
    });
  plans
    .command("fetch")
    .description("wait for a result of a plan and write it")
    .argument("<name>", NAME_HELP)
    .argument(
      "[result]",
      "its label, or its place among those that were submitted (default: 0)",
      "0",
    )
    .option("-s, --server <host:port>", SERVER_OPTION_HELP)
    .option("-o, --output <file>", "write it to a file (default: standard output)")
    .action(async (name, which, { server, output }) => {
      await withClient(server, async (client, signal) => {
        const plan = await client.attach(name, { signal });
        const future = findResult(plan.futures as readonly Future[], which);
        await write(await future.fetch({ signal }), output);
      });
      result.exitCode = EXIT.ok;
    });
  for (const [command, description] of [
    ["cancel", "stop what is not finished of plans"],
    ["forget", "end plans: what runs is stopped, results are dropped, the names are free"],
  ] as const) {
    plans
      .command(command)
      .description(description)
      .argument("<names...>", "the plans' names")
      .option("-s, --server <host:port>", SERVER_OPTION_HELP)
      .action(async (names, { server }) => {
        await withClient(server, async (client, signal) => {
          for (const name of names) {
            const plan = await client.attach(name, { signal });
            await plan[command]({ signal });
          }
        });
        result.exitCode = EXIT.ok;
      });
  }
}

async function withClient(
  server: string | undefined,
  use: (client: Client, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { Client } = await import("../../client/index.ts");
  const { signal } = watchStopSignals();
  await using client = await Client.connect(serverOrDefault(server), { signal });
  await use(client, signal);
}

async function waitFor(
  client: Client,
  name: string,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const timedOut = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const either = timedOut === undefined ? signal : AbortSignal.any([signal, timedOut]);
  const plan = await client.attach(name, { signal });
  try {
    await plan.wait({ signal: either });
  } catch (error) {
    if (!timedOut?.aborted || signal.aborted) throw error;
    throw new CliError(EXIT.timedOut, `The plan '${name}' was not finished in time.`);
  }
}

function findResult(futures: readonly Future[], which: string): Future {
  const labeled = new Set(futures.filter(({ label }) => label === which));
  const [first] = labeled;
  if (first !== undefined && labeled.size === 1) return first;
  const future = /^\d+$/.test(which) ? futures[Number(which)] : undefined;
  if (future !== undefined && labeled.size === 0) return future;
  throw new CliError(
    EXIT.usage,
    `The plan has ${futures.length} results, from 0 on, and ${labeled.size} of them with the label '${which}'.`,
  );
}

/** Bytes as they are, whatever else it is as JSON. */
async function write(value: unknown, output: string | undefined): Promise<void> {
  const bytes = value instanceof Uint8Array ? value : Buffer.from(`${toJson(value)}\n`);
  if (output !== undefined) {
    await writeFile(output, bytes);
    return;
  }
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function toJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === "bigint") return item.toString();
      return isBufferJson(item) ? Buffer.from(item.data).toString() : item;
    }) ?? "null"
  );
}

/** What `Buffer.toJSON` makes, before a replacer sees it. */
function isBufferJson(item: unknown): item is { readonly data: readonly number[] } {
  return typeof item === "object" && item !== null && "type" in item && item.type === "Buffer";
}
