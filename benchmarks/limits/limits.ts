import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures, LimitName } from "../harness/cases.ts";
import { programPath, ROOT } from "../harness/paths.ts";
import { runForJson } from "../harness/run-driver.ts";

const PAIR_BYTES = 512 << 20;
const SPAWN_COUNT = 1_000;
/** As many as the worker of row 10 runs at once. */
const SPAWNS_IN_FLIGHT = "4";

/** Where the two ends of a pair run: commands to put before theirs, and the server's address. */
export type PairPlace = {
  readonly host: string;
  readonly serverPrefix: readonly string[];
  readonly clientPrefix: readonly string[];
};

const HERE: PairPlace = { host: "127.0.0.1", serverPrefix: [], clientPrefix: [] };

/** Starts the serving end of a probe, and runs the measuring end against it. */
async function runPair(
  probe: string,
  { host, serverPrefix, clientPrefix }: PairPlace,
  serverArgs: readonly string[],
  clientArgs: readonly string[],
): Promise<Figures> {
  const serverCommand = [...serverPrefix, process.execPath, programPath(probe), "serve", host];
  const [program = "", ...args] = [...serverCommand, ...serverArgs];
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const port = await new Promise<string>((resolve, reject) => {
      server.stdout.setEncoding("utf8").once("data", resolve);
      server.once("error", reject);
    });
    const client = [...clientPrefix, process.execPath, programPath(probe), host, port.trim()];
    return await runForJson<Figures>([...client, ...clientArgs]);
  } finally {
    server.kill("SIGKILL");
  }
}

export const measureEcho = (place: PairPlace = HERE): Promise<Figures> =>
  runPair("echo", place, [], []);

export const measureSocketPair = (
  memory: "fresh" | "warm",
  place: PairPlace = HERE,
): Promise<Figures> => runPair("socket-pair", place, [`${PAIR_BYTES}`], [`${PAIR_BYTES}`, memory]);

/** Compiles the probe if that was not done yet; undefined where there is no compiler. */
function spawnProbe(): string | undefined {
  const source = `${ROOT}benchmarks/limits/spawn-probe.c`;
  const binary = programPath("spawn-probe").replace(/\.js$/, "");
  const builtMs = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtMs > statSync(source).mtimeMs) return binary;
  const { status } = spawnSync("cc", ["-O2", "-o", binary, source], { stdio: "inherit" });
  return status === 0 ? binary : undefined;
}

async function measureSpawn(): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-bench-"));
  try {
    const probe = spawnProbe();
    const python = ["python3", `${ROOT}benchmarks/limits/spawn_probe.py`];
    const command = probe === undefined ? python : [probe];
    return await runForJson<Figures>([...command, `${SPAWN_COUNT}`, SPAWNS_IN_FLIGHT, directory]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const PROBES: Readonly<Record<LimitName, () => Promise<Figures>>> = {
  echo: () => measureEcho(),
  socketPair: () => measureSocketPair("fresh"),
  socketPairWarm: () => measureSocketPair("warm"),
  memcpy: () => runForJson<Figures>([process.execPath, programPath("memcpy")]),
  spawn: measureSpawn,
};

/** Measures what this machine can do at all, now. */
export async function measureLimits(names: readonly LimitName[]): Promise<Figures> {
  let figures: Figures = {};
  for (const name of names) figures = { ...figures, ...(await PROBES[name]()) };
  return figures;
}
