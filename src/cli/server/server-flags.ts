import { parseArgs } from "node:util";
import { DEFAULT_PORT } from "../../client/session/address.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { MAX_PORT, parseSecondsAsMs, parseWholeNumber } from "../numbers.ts";

export type ServerFlags = {
  readonly help: boolean;
  readonly debug: boolean;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly unsatisfiableAfterMs: number;
  readonly clientGraceMs: number;
  /** Directory; undefined: none is kept. */
  readonly journal: string | undefined;
  /** Where the access file is written: a path, "none", or undefined for its usual place. */
  readonly accessFile: string | undefined;
  /** Directories; none: everything. */
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  readonly insecureLegacyPort: number | undefined;
  readonly exitWithStdin: boolean;
  /** File descriptor on which the port is announced. */
  readonly readyFd: number | undefined;
};

export const serverUsage = (program: string): string => `Usage: ${program} [options]

Schedules the plans of clients on the workers that join it.

Options:
  -p, --port N                listen on this port; 0 takes any free one (default ${DEFAULT_PORT})
      --host ADDRESS          listen on this address (default 127.0.0.1: this machine only; 0.0.0.0: all of IPv4)
      --journal DIR           write down in this directory what the next server needs to go on with all plans
      --access-file FILE      write what workers and clients need to come in here, readable by this user
                              only; none writes nothing (default: ~/.hyperloom/HOSTNAME-PORT.access.json)
      --allow-read DIR        look for checkpoints below this directory only; may be repeated
      --allow-write DIR       write traces below this directory only; may be repeated
      --insecure-legacy-port N  let anybody who reaches this port in as a client, without encryption: for
                              clients that know no access files, where nobody else reaches the port
      --unsatisfiable-after S fail tasks that no worker can run after S seconds (default 60)
      --client-grace S        wait S seconds for a client whose connection broke, and go on with its plans (default 30)
      --exit-with-stdin       end when standard input ends, as it does when the parent is gone
      --ready-fd N            write the port and a line break to this file descriptor, then close it
      --debug                 log more
  -h, --help                  show this

The log goes to standard output. Ctrl-C, SIGTERM and \`hyperloom stop\` end the server and its workers.
`;

/** @throws CliError with status 2 and a sentence, for a bad flag or value */
export function parseServerFlags(args: readonly string[]): ServerFlags {
  const values = parse(args);
  const readyFd = values["ready-fd"];
  const legacyPort = values["insecure-legacy-port"];
  return {
    help: values.help,
    debug: values.debug,
    host: values.host,
    port: parseWholeNumber("--port", values.port, 0, MAX_PORT),
    unsatisfiableAfterMs: parseSecondsAsMs("--unsatisfiable-after", values["unsatisfiable-after"]),
    clientGraceMs: parseSecondsAsMs("--client-grace", values["client-grace"]),
    journal: values.journal,
    accessFile: values["access-file"],
    allowRead: values["allow-read"],
    allowWrite: values["allow-write"],
    insecureLegacyPort:
      legacyPort === undefined
        ? undefined
        : parseWholeNumber("--insecure-legacy-port", legacyPort, 0, MAX_PORT),
    exitWithStdin: values["exit-with-stdin"],
    readyFd:
      readyFd === undefined ? undefined : parseWholeNumber("--ready-fd", readyFd, 1, 1_000_000),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h", default: false },
        debug: { type: "boolean", default: false },
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", short: "p", default: String(DEFAULT_PORT) },
        journal: { type: "string" },
        "unsatisfiable-after": { type: "string", default: "60" },
        "client-grace": { type: "string", default: "30" },
        "access-file": { type: "string" },
        "allow-read": { type: "string", multiple: true, default: [] },
        "allow-write": { type: "string", multiple: true, default: [] },
        "insecure-legacy-port": { type: "string" },
        "exit-with-stdin": { type: "boolean", default: false },
        "ready-fd": { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new CliError(EXIT.usage, error instanceof Error ? error.message : String(error));
  }
}
