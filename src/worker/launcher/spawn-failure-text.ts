import { getSystemErrorMap } from "node:util";
import { SPAWN_STEP, type SpawnFailureFrame } from "./frames.ts";
import type { ProgramStart } from "./program.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** The program's name for messages; bytes that are not UTF-8 are shown as question marks. */
export function nameProgram(program: ProgramStart): string {
  return `'${DECODER.decode(program.args[0] ?? new Uint8Array())}'`;
}

/** A sentence that names the program, what could not be done, and why: "...: ENOENT: no such file or directory". */
export function describeSpawnFailure(program: ProgramStart, failure: SpawnFailureFrame): string {
  const [code, message] = getSystemErrorMap().get(-failure.errno) ?? [
    `errno ${failure.errno}`,
    "unknown error",
  ];
  const obstacle = describeObstacle(program, failure.step);
  return `Program ${nameProgram(program)} could not be started${obstacle}: ${code}: ${message}`;
}

function describeObstacle(program: ProgramStart, step: number): string {
  switch (step) {
    case SPAWN_STEP.directory:
      return `, its directory ${program.cwd} cannot be entered`;
    case SPAWN_STEP.stdin:
      return `, its stdin ${program.stdinPath} cannot be read`;
    case SPAWN_STEP.stdout:
      return `, its stdout ${program.stdoutPath} cannot be written`;
    case SPAWN_STEP.stderr:
      return `, its stderr ${program.stderrPath} cannot be written`;
    case SPAWN_STEP.process:
      return ", no process can be made";
    case SPAWN_STEP.request:
      return ", its launcher does not understand the request";
    default:
      return "";
  }
}

/** Why the program cannot even be asked for, or `undefined`. The system has no NUL in its strings. */
export function findUnusable(program: ProgramStart): string | undefined {
  if (program.args.length === 0) return "No program was named";
  const refuse = (what: string) => `Program ${nameProgram(program)} could not be started: ${what}`;
  if (program.args.some((argument) => argument.includes(0)))
    return refuse("an argument holds a NUL byte");
  for (const { name, value } of program.env) {
    if (name.length === 0 || name.includes(0x3d) || name.includes(0) || value.includes(0))
      return refuse(
        "a variable's name is empty or holds '=', or its name or value holds a NUL byte",
      );
  }
  const { cwd, stdinPath = "", stdoutPath = "", stderrPath, paths } = program;
  if ([cwd, stdinPath, stdoutPath, stderrPath, ...paths].some((path) => path.includes("\0")))
    return refuse("a path holds a NUL character");
  return undefined;
}
