import { closeSync, writeSync } from "node:fs";
import { startServer } from "../../server/server.ts";
import { CliError, reportError } from "../cli-error.ts";
import { confinementOf } from "../confinement.ts";
import { EXIT } from "../exit-codes.ts";
import { createLogSink } from "../log-sink.ts";
import { untilAborted, watchStopSignals } from "../stop-signals.ts";
import { prepareAccess } from "./server-access.ts";
import { parseServerFlags, type ServerFlags, serverUsage } from "./server-flags.ts";

/**
 * The whole life of a server process.
 * @param program how it was called, for messages
 * @param args the command line after the program's name
 * @returns the exit status: 0 after a stop signal or TERMINATE
 */
export async function runServer(program: string, args: readonly string[]): Promise<number> {
  try {
    const flags = parseServerFlags(args);
    if (flags.help) {
      process.stdout.write(serverUsage(program));
      return EXIT.ok;
    }
    await serve(flags);
    return EXIT.ok;
  } catch (error) {
    const exitCode = reportError(program, error);
    if (exitCode === EXIT.usage) process.stderr.write(`\n${serverUsage(program)}`);
    return exitCode;
  }
}

async function serve(flags: ServerFlags): Promise<void> {
  const { host, port, unsatisfiableAfterMs, clientGraceMs, journal, readyFd } = flags;
  const log = createLogSink(flags.debug);
  // Watched before the start, so that an early Ctrl-C is not lost.
  const stop = watchStopSignals();
  if (flags.exitWithStdin) whenStdinEnds(stop.stop);

  const access = await prepareAccess(flags, log);
  await using server = await listen(
    () =>
      startServer({
        access: access.forServer,
        files: confinementOf(flags),
        host,
        port,
        unsatisfiableAfterMs,
        clientGraceMs,
        journal,
        log,
      }),
    flags,
  );
  using _ = await access.publish(server);
  if (readyFd !== undefined) announce(readyFd, server.port);
  await Promise.race([untilAborted(stop.signal), server.ended]);
}

/** Turns what the system says about a port into a sentence. */
async function listen<T>(start: () => Promise<T>, { host, port }: ServerFlags): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const reason = LISTEN_ERRORS[systemCodeOf(error) ?? ""];
    if (reason === undefined) throw error;
    throw new CliError(EXIT.portTaken, `Cannot listen on ${host}:${port}: ${reason}`, {
      cause: error,
    });
  }
}

const LISTEN_ERRORS: Readonly<Partial<Record<string, string>>> = {
  EADDRINUSE: "the port is taken. Stop what listens there, or choose another port with --port.",
  EACCES: "ports below 1024 need privileges. Choose another port with --port.",
  EADDRNOTAVAIL: "this machine has no such address. Choose another with --host.",
  ENOTFOUND: "no such host. Choose an address of this machine with --host.",
};

/** The system's code of an error or of what caused it. */
function systemCodeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string" && at.code in LISTEN_ERRORS) return at.code;
  }
  return undefined;
}

function announce(fd: number, port: number): void {
  writeSync(fd, `${port}\n`);
  if (fd > 2) closeSync(fd);
}

function whenStdinEnds(stop: () => void): void {
  process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
}
