import { findAccess, namedAccess } from "../../access/find-access.ts";
import { createPass } from "../../access/pass.ts";
import type { Log } from "../../core/base/log.ts";
import { durationText } from "../../core/base/units.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import { startWorker, type Worker } from "../../worker/worker.ts";
import type { WorkerEnd } from "../../worker/worker-options.ts";
import { CliError, reportError } from "../cli-error.ts";
import { confinementOf } from "../confinement.ts";
import { EXIT, EXIT_BY_SIGNAL } from "../exit-codes.ts";
import { createLogSink } from "../log-sink.ts";
import { untilAborted, watchStopSignals } from "../stop-signals.ts";
import { parseWorkerFlags, type WorkerFlags, workerUsage } from "./worker-flags.ts";

/**
 * The whole life of a worker process.
 * @param program how it was called, for messages
 * @param args the command line after the program's name
 * @returns the exit status: 0 when it was stopped, by a signal or by the server
 */
export async function runWorker(program: string, args: readonly string[]): Promise<number> {
  try {
    const flags = parseWorkerFlags(args);
    if (flags.help) {
      process.stdout.write(workerUsage(program));
      return EXIT.ok;
    }
    await work(flags);
    return EXIT.ok;
  } catch (error) {
    const exitCode = reportError(program, error);
    if (exitCode === EXIT.usage) process.stderr.write(`\n${workerUsage(program)}`);
    return exitCode;
  }
}

async function work(flags: WorkerFlags): Promise<void> {
  const { cpus, resources, isPinning, modules } = flags;
  const { memoryBytes, memorySharers, spillDirectory, spillQuotaBytes, keepFreeBytes } = flags;
  const { workDirectory, python, runnerMemoryBytes, killGraceMs, name, host } = flags;
  const log = createLogSink(flags.debug);
  // Watched before the start, so that an early Ctrl-C is not lost.
  const stop = watchStopSignals({ givesTime: true });
  if (flags.exitWithStdin) whenStdinEnds(stop.stop);

  // A module of task types may be TypeScript, and need not be in a project that has this package.
  if (modules.length > 0) await import("../script-loader/register.ts");
  const { serverHost, serverPort, pass } = findServer(flags);
  const starting = startWorker({
    serverHost,
    serverPort,
    pass,
    files: confinementOf(flags),
    cpus,
    resources,
    isPinning,
    sharesFiles: flags.sharesFiles,
    modules,
    log,
    signal: stop.signal,
    ...(workDirectory !== undefined && { parentDirectory: workDirectory }),
    ...(python !== undefined && { python }),
    ...(runnerMemoryBytes !== undefined && { runnerMemoryBytes }),
    memorySharers,
    reattachForMs: flags.reattachForMs,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(spillDirectory !== undefined && { spillDirectory }),
    ...(spillQuotaBytes !== undefined && { spillQuotaBytes }),
    ...(keepFreeBytes !== undefined && { keepFreeBytes }),
    ...(killGraceMs !== undefined && { killGraceMs }),
    ...(name !== undefined && { name }),
    ...(host !== undefined && { host }),
  });
  await using worker = await starting.catch((error: unknown) => {
    if (stop.signal.aborted) return undefined;
    throw error;
  });
  if (worker === undefined) return;
  const server = `${serverHost}:${serverPort}`;
  log("info", "joined the server", {
    server,
    worker: worker.workerId,
    port: worker.port,
    cpus,
    directory: worker.directory,
  });
  let end = await Promise.race([untilAborted(stop.signal), worker.ended]);
  if (end === undefined && stop.exitCode() === EXIT_BY_SIGNAL.SIGTERM) {
    end = await drain(worker, flags.drainForMs, stop.again, log);
  }
  if (end?.kind !== "server-lost") return;
  throw new HyperloomError("server-lost", `The server ${server} is lost: ${end.reason}`);
}

/** Where the server is, and what is shown to it. */
function findServer({ serverHost, serverPort, accessFile }: WorkerFlags) {
  if (serverHost === undefined || serverPort === undefined) {
    const named = namedAccess(accessFile);
    if (named === undefined) throw new CliError(EXIT.usage, "expected SERVER and PORT");
    const { host, port } = named;
    return { serverHost: host, serverPort: port, pass: createPass(named, "worker") };
  }
  const access = findAccess({ host: serverHost, port: serverPort }, accessFile);
  return { serverHost, serverPort, pass: createPass(access, "worker") };
}

/** Gives the worker time to hand over what only it has; a signal ends it at once. */
async function drain(
  worker: Worker,
  forMs: number,
  signal: AbortSignal,
  log: Log,
): Promise<WorkerEnd | undefined> {
  if (forMs === 0 || !worker.drain()) return undefined;
  log("info", "asked to end: hands over what only it has", { limit: durationText(forMs) });
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      log("warning", "ends before it has handed over what only it has");
      resolve(undefined);
    }, forMs);
  });
  const end = await Promise.race([worker.ended, isLate, untilAborted(signal)]);
  clearTimeout(timer);
  return end ?? undefined;
}

function whenStdinEnds(stop: () => void): void {
  process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
}
