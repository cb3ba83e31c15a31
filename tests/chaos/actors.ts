import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Program, start } from "../cli/processes/programs.ts";
import { PYTHON } from "../functions/processes/python/interpreter.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Where everything of one run lies: the journal, what workers write, what programs call temporary. */
export type Place = { readonly directory: string; readonly env: Readonly<Record<string, string>> };

export function createPlace(directory: string): Place {
  for (const name of ["journal", "work", "tmp"]) mkdirSync(join(directory, name));
  return { directory, env: { TMPDIR: join(directory, "tmp") } };
}

/** `port` 0: any free one; where it listens is in its log. */
export function startServer({ directory, env }: Place, port: number): Program {
  const args = ["--port", String(port), "--journal", join(directory, "journal")];
  return start("loom-server", args, { env });
}

export async function portOf(server: Program): Promise<number> {
  const [, port] = await server.waitFor(/server listens .*port=(\d+)/);
  return Number(port);
}

export function startWorker({ directory, env }: Place, port: number): Program {
  const args = ["127.0.0.1", String(port), "--cpus", "2", "--nopin"];
  const more = ["--wdir", join(directory, "work"), "--python", PYTHON, "--memory", "512M"];
  return start("loom-worker", [...args, ...more], { env });
}

export type Language = "typescript" | "python";

/** Submits plans with known results until its standard input ends, and ends badly at a wrong one. */
export function startClient(
  { env }: Place,
  language: Language,
  port: number,
  seed: number,
): Program {
  const isPython = language === "python";
  const script = join(import.meta.dirname, isPython ? "client.py" : "client.mjs");
  return start(script, [script, String(port), String(seed)], {
    path: isPython ? PYTHON : process.execPath,
    env: { ...env, PYTHONPATH: join(ROOT, "python") },
  });
}
