import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ACCESS_FILE_VARIABLE } from "../../access/access-directory.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { MAX_PORT, parseSecondsAsMs, parseSizeBytes, parseWholeNumber } from "../numbers.ts";

export type WorkerFlags = {
  readonly help: boolean;
  readonly debug: boolean;
  /** Undefined where the access file says it. */
  readonly serverHost: string | undefined;
  readonly serverPort: number | undefined;
  readonly accessFile: string | undefined;
  /** Directories; none: everything. */
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  readonly cpus: number;
  readonly resources: readonly { readonly name: string; readonly amount: number }[];
  readonly workDirectory: string | undefined;
  readonly isPinning: boolean;
  readonly sharesFiles: boolean;
  readonly modules: readonly string[];
  readonly python: string | undefined;
  readonly runnerMemoryBytes: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly memorySharers: number;
  readonly spillDirectory: string | undefined;
  readonly spillQuotaBytes: number | undefined;
  readonly keepFreeBytes: number | undefined;
  readonly killGraceMs: number | undefined;
  readonly name: string | undefined;
  readonly host: string | undefined;
  readonly exitWithStdin: boolean;
  /** How long a lost server is looked for. */
  readonly reattachForMs: number;
  /** How long it may take to hand over what it holds, once it is asked to end. */
  readonly drainForMs: number;
};

/** What the server reckons with. */
const KILL_GRACE_MS_MAX = 60_000;
/** Enough for a server to be started again, also by hand. */
const REATTACH_FOR_S = "300";
/** Batch systems kill some 30 s after they ask. */
const DRAIN_FOR_S = "20";
const MAX_CPUS = 65_535;
const MAX_AMOUNT = 2 ** 31 - 1;
/** A process that calls functions needs a part of this for itself. */
const MIN_RUNNER_MEMORY_BYTES = 128 * 1024 * 1024;
/** Less has no room for a few objects at a time. */
const MIN_MEMORY_BYTES = 16 * 1024 * 1024;
const MAX_SHARERS = 65_535;

export const workerUsage = (program: string): string => `Usage: ${program} [options] SERVER PORT
       ${program} [options] --access-file FILE

Executes tasks for the server at host SERVER and port PORT, and holds their data.

Options:
      --access-file FILE      come in by this file of the server, which also says where that is
                              (default: HYPERLOOM_ACCESS_FILE, then what is found in ~/.hyperloom)
      --allow-read DIR        let plans open files and load checkpoints below this directory only
      --allow-write DIR       let plans save and write checkpoints below this directory only; both may be
                              repeated, and hold no program or function
      --cpus N                offer so many cpus (default: all of this machine)
      --resource NAME=AMOUNT  offer something else, such as gpus=2; may be repeated
      --wdir DIRECTORY        make the work directory here (default: the system's temporary one)
      --nopin                 let programs run on any cpu, not only on those of their task
      --no-shared-files       copy data of workers on this machine too, in place of linking their files
      --load FILE             run the task types that this module exports; may be repeated
      --python FILE           run Python functions by this interpreter, which must have cloudpickle
                              (default: HYPERLOOM_PYTHON, VIRTUAL_ENV, python3 of PATH)
      --runner-memory SIZE    end a process that calls functions when it uses more, such as 2G
                              (default: the worker's memory divided by the cpus, at least 512M)
      --memory SIZE           use so much memory for data, functions and programs, such as 16G
                              (default: 9/10 of what the control group allows, else 3/4 of the machine)
      --memory-share N        so many workers share that default equally (default: 1)
      --spill-dir DIRECTORY   put data here that does not fit into memory
                              (default: the work directory, or /var/tmp if that is in memory)
      --spill-quota SIZE      let such data take no more than this (default: what the disk has)
      --spill-keep-free SIZE  leave so much of the disk free (default: 1G, 5 % of a small disk)
      --kill-grace SECONDS    give programs that are canceled or late so long from SIGTERM until
                              SIGKILL, at most 60 (default: 5)
      --host ADDRESS          serve data to other workers at this address of this machine
                              (default: the one through which the server is reached)
      --name NAME             what messages call this worker (default: its address)
      --reattach-for S        when the connection to the server breaks, go on with what runs and look for
                              the server for S seconds, then end (default 300; 0 with --exit-with-stdin)
      --drain-for S           on SIGTERM, take S seconds to end what runs and to hand data over (default 20)
      --exit-with-stdin       end when standard input ends, as it does when the parent is gone
      --debug                 log more
  -h, --help                  show this

The log goes to standard output. A server that is not there yet is tried for 5 seconds. The worker
ends when its server does, by Ctrl-C at once, and by SIGTERM when others have what only it held, or at
a second signal; it leaves nothing behind.
`;

/** @throws CliError with status 2 and a sentence, for a bad flag or value */
export function parseWorkerFlags(args: readonly string[]): WorkerFlags {
  const { values, positionals } = parse(args);
  const [serverHost, port, ...others] = positionals;
  const accessFile = values["access-file"] ?? (process.env[ACCESS_FILE_VARIABLE] || undefined);
  const isNamed = serverHost === undefined && accessFile !== undefined;
  if (!values.help && !isNamed && (port === undefined || others.length > 0)) {
    throw new CliError(
      EXIT.usage,
      `expected SERVER and PORT, got ${positionals.length === 0 ? "nothing" : positionals.join(" ")}`,
    );
  }
  return {
    help: values.help,
    debug: values.debug,
    serverHost,
    serverPort: port === undefined ? undefined : parseWholeNumber("PORT", port, 1, MAX_PORT),
    accessFile,
    allowRead: values["allow-read"],
    allowWrite: values["allow-write"],
    cpus: parseWholeNumber("--cpus", values.cpus ?? String(availableParallelism()), 0, MAX_CPUS),
    resources: parseResources(values.resource),
    workDirectory: values.wdir,
    isPinning: !values.nopin,
    sharesFiles: !values["no-shared-files"],
    modules: values.load,
    python: values.python,
    runnerMemoryBytes: parseSize(
      "--runner-memory",
      values["runner-memory"],
      MIN_RUNNER_MEMORY_BYTES,
    ),
    memoryBytes: parseSize("--memory", values.memory, MIN_MEMORY_BYTES),
    memorySharers: parseWholeNumber("--memory-share", values["memory-share"], 1, MAX_SHARERS),
    spillDirectory: values["spill-dir"],
    spillQuotaBytes: parseSize("--spill-quota", values["spill-quota"], 0),
    keepFreeBytes: parseSize("--spill-keep-free", values["spill-keep-free"], 0),
    killGraceMs: parseKillGrace(values["kill-grace"]),
    name: values.name,
    host: values.host,
    exitWithStdin: values["exit-with-stdin"],
    reattachForMs: parseSecondsAsMs(
      "--reattach-for",
      values["reattach-for"] ?? (values["exit-with-stdin"] ? "0" : REATTACH_FOR_S),
    ),
    drainForMs: parseSecondsAsMs("--drain-for", values["drain-for"] ?? DRAIN_FOR_S),
  };
}

function parseSize(option: string, text: string | undefined, min: number): number | undefined {
  return text === undefined ? undefined : parseSizeBytes(option, text, min);
}

function parseKillGrace(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const graceMs = parseSecondsAsMs("--kill-grace", text);
  if (graceMs <= KILL_GRACE_MS_MAX) return graceMs;
  throw new CliError(EXIT.usage, `--kill-grace must be at most 60 seconds, but is '${text}'`);
}

function parseResources(texts: readonly string[]): { name: string; amount: number }[] {
  const amounts = new Map<string, number>();
  for (const text of texts) {
    const [, name, amount] = /^([^\s=]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined || amount === undefined) {
      throw new CliError(EXIT.usage, `--resource is NAME=AMOUNT, such as gpus=2, not '${text}'`);
    }
    if (name === "cpus") throw new CliError(EXIT.usage, "the cpus are offered by --cpus");
    if (amounts.has(name)) throw new CliError(EXIT.usage, `--resource names '${name}' twice`);
    amounts.set(name, parseWholeNumber(`--resource ${name}`, amount, 0, MAX_AMOUNT));
  }
  return [...amounts].map(([name, amount]) => ({ name, amount }));
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        debug: { type: "boolean", default: false },
        cpus: { type: "string" },
        resource: { type: "string", multiple: true, default: [] },
        wdir: { type: "string" },
        "no-shared-files": { type: "boolean", default: false },
        nopin: { type: "boolean", default: false },
        load: { type: "string", multiple: true, default: [] },
        python: { type: "string" },
        "runner-memory": { type: "string" },
        memory: { type: "string" },
        "memory-share": { type: "string", default: "1" },
        "spill-dir": { type: "string" },
        "spill-quota": { type: "string" },
        "spill-keep-free": { type: "string" },
        "kill-grace": { type: "string" },
        name: { type: "string" },
        host: { type: "string" },
        "access-file": { type: "string" },
        "reattach-for": { type: "string" },
        "drain-for": { type: "string" },
        "allow-read": { type: "string", multiple: true, default: [] },
        "allow-write": { type: "string", multiple: true, default: [] },
        "exit-with-stdin": { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new CliError(EXIT.usage, error instanceof Error ? error.message : String(error));
  }
}
