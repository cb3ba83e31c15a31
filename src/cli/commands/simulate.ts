import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Command } from "@commander-js/extra-typings";
import { HyperloomError } from "../../core/model/errors.ts";
import type { Workflow } from "../../simulator/index.ts";
import { CliError } from "../cli-error.ts";
import type { CommandResult } from "../command-result.ts";
import { EXIT } from "../exit-codes.ts";
import { formatPrediction } from "../format-prediction.ts";
import { parseWholeNumber } from "../numbers.ts";

const BYTES_OF_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** `hyperloom simulate`: how long a recorded workflow would take on a cluster. */
export function addSimulateCommand(program: Command, result: CommandResult): void {
  program
    .command("simulate <file>")
    .description("say how long a workflow (WfFormat or Estee, also .gz) takes on a cluster")
    .option("-w, --workers <workers x cpus>", "the cluster, such as 8x4", "8x4")
    .option("-b, --bandwidth <bytes/s>", "of each worker, each way; or infinite", "1GiB/s")
    .option("--latency <ms>", "of each message, one way, in milliseconds", "0.1")
    .option("--policy <name>", "hyperloom, or one of those to compare with", "hyperloom")
    .option("--knowledge <what>", "durations are known, learned or unknown", "learned")
    .option("--seed <n>", "deviates durations by up to 1 %", "1")
    .option("--graph <name>", "which one of a file with several graphs")
    .option("--json", "print one line of JSON")
    .action(async (file, options) => {
      const { KNOWLEDGES, POLICY_NAMES, predict, readWorkflows } = await import(
        "../../simulator/index.ts"
      );
      const workflow = choose(readWorkflows(readText(file)), options.graph);
      const { workers, cpus } = parseCluster(options.workers);
      const prediction = predict(workflow, {
        workers,
        cpusPerWorker: cpus,
        bytesPerUs: parseBandwidth(options.bandwidth),
        latencyUs: parseMs(options.latency) * 1000,
        policy: oneOf("--policy", options.policy, POLICY_NAMES),
        knowledge: oneOf("--knowledge", options.knowledge, KNOWLEDGES),
        seed: parseWholeNumber("--seed", options.seed, 0, 2 ** 31 - 1),
      });
      const cluster =
        `${workers} workers with ${cpus} cpus each, ${options.bandwidth}, ${options.latency} ms, ` +
        `policy ${options.policy}, durations ${options.knowledge}`;
      process.stdout.write(
        options.json ? `${JSON.stringify(prediction)}\n` : formatPrediction(prediction, cluster),
      );
      result.exitCode = EXIT.ok;
    });
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    // The two bytes that gzip begins with.
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HyperloomError("invalid-argument", `${file} cannot be read: ${reason}.`, { cause });
  }
}

function choose(workflows: readonly Workflow[], name: string | undefined): Workflow {
  const [first, second] = workflows;
  const chosen = name === undefined ? first : workflows.find((workflow) => workflow.name === name);
  if (chosen !== undefined && (name !== undefined || second === undefined)) return chosen;
  const names = workflows.map((workflow) => workflow.name).join(", ");
  throw new CliError(
    EXIT.usage,
    name === undefined
      ? `The file has several graphs; choose one by --graph: ${names}`
      : `--graph names none of the graphs in the file: ${names}`,
  );
}

function parseCluster(text: string): { readonly workers: number; readonly cpus: number } {
  const [, workers, cpus] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (workers === undefined || cpus === undefined) {
    throw new CliError(EXIT.usage, `--workers is such as 8x4, 8 workers of 4 cpus, not '${text}'`);
  }
  return {
    workers: parseWholeNumber("--workers", workers, 1, 4096),
    cpus: parseWholeNumber("--workers", cpus, 1, 65_535),
  };
}

/** As bytes a microsecond. */
function parseBandwidth(text: string): number {
  if (text === "infinite") return Number.POSITIVE_INFINITY;
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMG]i?B|B)\/s$/.exec(text) ?? [];
  const bytesPerSecond = Number(amount) * (BYTES_OF_UNIT[unit] ?? 0);
  if (bytesPerSecond > 0) return bytesPerSecond / 1e6;
  throw new CliError(
    EXIT.usage,
    `--bandwidth is such as 1GiB/s, 125MB/s or infinite, not '${text}'`,
  );
}

function parseMs(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new CliError(EXIT.usage, `--latency is a number of milliseconds, not '${text}'`);
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const name = names.find((other) => other === text);
  if (name !== undefined) return name;
  throw new CliError(EXIT.usage, `${option} is one of ${names.join(", ")}, not '${text}'`);
}
