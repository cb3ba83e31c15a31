import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Writable } from "node:stream";
import { SPAWN_STEP } from "./frames.ts";
import type { NodeCommand } from "./node-command.ts";
import type { ProgramStart } from "./program.ts";

/** A program that did not start: the step that failed (`SPAWN_STEP`) and the name of the system's error. */
export class SpawnFailure extends Error {
  override readonly name = "SpawnFailure";
  readonly step: number;
  readonly code: string;

  constructor(step: number, code: string) {
    super(`step ${step} failed: ${code}`);
    this.step = step;
    this.code = code;
  }
}

/** A program in a session of its own. Without a pid it has not started: its `error` event says why. */
export type Spawned = {
  readonly child: ChildProcess;
  readonly isUnpinned: boolean;
};

const WRITE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;

/** Runs one step of a start; an error of the system becomes a {@link SpawnFailure} of that step. */
function attempt<Value>(step: number, action: () => Value): Value {
  try {
    return action();
  } catch (error) {
    throw new SpawnFailure(step, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

/** Starts a program. Throws a {@link SpawnFailure}; no descriptor is left open, whatever happens. */
export function spawnProgram(
  program: ProgramStart,
  buildCommand: (program: ProgramStart) => NodeCommand | { readonly code: string },
): Spawned {
  const { cwd, stdinPath, stdoutPath, stderrPath } = program;
  attempt(SPAWN_STEP.directory, () => {
    if (!statSync(cwd).isDirectory()) throw new SpawnFailure(SPAWN_STEP.directory, "ENOTDIR");
  });
  const opened: number[] = [];
  const open = (step: number, path: string, flags: number): number => {
    const fd = attempt(step, () => openSync(resolve(cwd, path), flags, 0o666));
    opened.push(fd);
    return fd;
  };
  try {
    const stdin = stdinPath ? open(SPAWN_STEP.stdin, stdinPath, constants.O_RDONLY) : "ignore";
    const stdout = stdoutPath ? open(SPAWN_STEP.stdout, stdoutPath, WRITE_FLAGS) : "ignore";
    const stderr = open(SPAWN_STEP.stderr, stderrPath, WRITE_FLAGS);
    const command = buildCommand(program);
    if ("code" in command) throw new SpawnFailure(SPAWN_STEP.program, command.code);
    const child = attempt(SPAWN_STEP.program, () =>
      spawn(command.file, command.args, {
        cwd,
        env: command.env,
        detached: true,
        stdio: [stdin, stdout, stderr, ...(command.script === undefined ? [] : ["pipe" as const])],
      }),
    );
    const scriptPipe = child.stdio[3];
    if (scriptPipe instanceof Writable) {
      // A program that dies before it has read its script breaks the pipe; its exit says it all.
      scriptPipe.on("error", () => undefined);
      scriptPipe.end(command.script);
    }
    return { child, isUnpinned: command.isUnpinned };
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
