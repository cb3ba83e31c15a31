import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "../../../core/base/log.ts";
import {
  CLOUDPICKLE_VERSION,
  type NamedVersion,
  PICKLE_PROTOCOL_VERSION,
  PYTHON_VERSION,
  type WorkerPython,
} from "../../../core/model/versions.ts";
import type { RunnerCommand } from "../../runners/runner-call.ts";
import { TaskError } from "../task-error.ts";

/** A Python that may be the one for functions, and where it was named. */
type Candidate = { readonly source: string; readonly path: string };

export type PythonOptions = {
  /** The one that the user of this worker named. */
  readonly python: string | undefined;
  readonly log: Log;
  /** Default: the worker's. */
  readonly variables?: NodeJS.ProcessEnv;
  /** The directory with the Python package `loom`. Default: that of this package. */
  readonly directory?: string;
  /** Ends the search. */
  readonly signal?: AbortSignal;
};

/** A Python that can call functions. */
export type FoundPython = {
  /** How a runner is started by it. */
  readonly command: RunnerCommand;
  /** Its path, as it says itself. */
  readonly interpreter: string;
  readonly versions: readonly NamedVersion[];
};

/** Looks for it once, and again only after it was not found. Rejects with a TaskError. */
export type PythonFinder = () => Promise<FoundPython>;

export function createPythonFinder(options: PythonOptions): PythonFinder {
  let finding: Promise<FoundPython> | undefined;
  return () => {
    finding ??= findPython(options).catch((error: unknown) => {
      finding = undefined;
      throw error;
    });
    return finding;
  };
}

/** What the server is told of it. */
export async function lookForPython(find: PythonFinder): Promise<WorkerPython> {
  try {
    const { interpreter, versions } = await find();
    return { kind: "found", interpreter, versions };
  } catch (error) {
    return { kind: "missing", reason: error instanceof Error ? error.message : String(error) };
  }
}

const PROBE =
  "import sys, pickle, cloudpickle; print(sys.version.split()[0], cloudpickle.__version__, " +
  "pickle.HIGHEST_PROTOCOL, sys.executable)";
const PROBED = /^(\d+)\.(\d+)(\S{0,100}) (\S{1,100}) (\d{1,9}) (.{1,1000})$/m;
/** The oldest that the package runs on. */
const MINOR_MIN = 9;
/** With our package in the place of the current directory, which may have another `loom`. */
const START = "import sys; sys.path[0] = sys.argv.pop(1); import loom.runner.__main__";
const PROBE_TIMEOUT_MS = 30_000;

/**
 * The Python that calls functions: the first of these that runs and imports cloudpickle: `python`,
 * HYPERLOOM_PYTHON, the environment of VIRTUAL_ENV, python3 in PATH, the `.venv` that the set-up of
 * this package makes. Rejects with a TaskError that says what was looked for and what is missing.
 */
async function findPython(options: PythonOptions): Promise<FoundPython> {
  const { python, log, variables = process.env, directory = findPackage(), signal } = options;
  const { PYTHONPATH: path } = variables;
  const env = {
    // Ours wins over any other `loom`.
    PYTHONPATH: path === undefined || path === "" ? directory : directory + delimiter + path,
  };
  const failures: string[] = [];
  for (const { source, path: file } of listCandidates(python, variables, directory)) {
    const probed = await probe(file, { ...variables, ...env }, signal);
    if ("versions" in probed) {
      const [python, cloudpickle] = probed.versions.map(({ version }) => version);
      const version = `${python}, cloudpickle ${cloudpickle}`;
      log("info", "runs Python functions", { python: file, source, version });
      return { command: { file, args: ["-u", "-c", START, directory], env }, ...probed };
    }
    failures.push(`${file} (${source}): ${probed.reason}`);
  }
  throw new TaskError({
    message: [
      "This worker has no Python for functions: none of these runs and imports cloudpickle.",
      ...failures,
      "Install cloudpickle for one of them, or name another one by --python or HYPERLOOM_PYTHON.",
    ].join("\n"),
  });
}

function listCandidates(
  python: string | undefined,
  { HYPERLOOM_PYTHON: named, VIRTUAL_ENV: environment }: NodeJS.ProcessEnv,
  packageDirectory: string,
): Candidate[] {
  const candidates: Candidate[] = [];
  const add = (source: string, path: string | undefined): void => {
    if (path !== undefined && path !== "") candidates.push({ source, path });
  };
  add("--python", python);
  add("HYPERLOOM_PYTHON", named);
  if (environment) add("VIRTUAL_ENV", join(environment, "bin/python3"));
  add("PATH", "python3");
  const own = join(dirname(packageDirectory), ".venv/bin/python3");
  if (existsSync(own)) add("the set-up of this package", own);
  return candidates;
}

/** The directory with the Python package `loom`: `python` of this package, above this file. */
function findPackage(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    const found = join(directory, "python");
    if (existsSync(join(found, "loom/runner/__main__.py"))) return found;
    if (directory === dirname(directory)) {
      throw new TaskError({ message: `There is no Python package at or above ${start}` });
    }
  }
}

type Probed = Omit<FoundPython, "command"> | { readonly reason: string };

function probe(file: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Probed> {
  return new Promise((resolve) => {
    const options = { env, timeout: PROBE_TIMEOUT_MS, ...(signal && { signal }) };
    execFile(file, ["-c", PROBE], options, (error, stdout, stderr) => {
      const lastLine = stderr.trimEnd().split("\n").at(-1) ?? "";
      if (error === null) resolve(parseProbe(stdout));
      else if (error.code === "ENOENT") resolve({ reason: "there is no such program" });
      else resolve({ reason: lastLine === "" ? error.message : lastLine });
    });
  });
}

function parseProbe(stdout: string): Probed {
  const [, major, minor, rest, cloudpickle, protocol, interpreter] = stdout.match(PROBED) ?? [];
  if (!cloudpickle || !protocol || !interpreter) {
    return { reason: `it told no versions but ${JSON.stringify(stdout.slice(0, 100))}` };
  }
  const version = `${major}.${minor}${rest}`;
  if (Number(major) !== 3 || Number(minor) < MINOR_MIN) {
    return { reason: `it is Python ${version}; functions need 3.${MINOR_MIN} or later` };
  }
  const versions = [
    { name: PYTHON_VERSION, version },
    { name: CLOUDPICKLE_VERSION, version: cloudpickle },
    { name: PICKLE_PROTOCOL_VERSION, version: protocol },
  ];
  return { interpreter, versions };
}
