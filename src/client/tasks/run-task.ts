import { TASK_TYPE } from "../../core/model/symbols.ts";
import { encodeRunConfig } from "../../protocol/client/run-config.ts";
import { invalidArgument } from "../errors.ts";
import { checkInput } from "./check-inputs.ts";
import { bytesOf, detailsOf, type TaskOptions } from "./options.ts";
import { ONE_CPU } from "./resources.ts";
import { splitWords } from "./split-words.ts";
import { type AnyInput, type MaybeInput, type OptionalInput, Task } from "./task.ts";

/** In `outputs`: what the program writes to its standard output. */
export const STDOUT = "+out";
const STDIN = "+in";

/** Words of the command; a task or future stands for the bytes that it makes. */
export type RunArgument = string | Uint8Array | MaybeInput<Buffer>;

/** Names of the program's output files, relative to its directory, or `tasks.stdout`. */
export type RunOutputs = string | readonly string[] | undefined;

export type RunOptions<Outputs extends RunOutputs = RunOutputs> = TaskOptions & {
  /** The program's standard input; default: empty. */
  readonly stdin?: MaybeInput<Buffer>;
  /** Files in the program's directory, by relative name. */
  readonly inputs?: Readonly<Record<string, MaybeInput<Buffer>>>;
  /** By name: an argument that is exactly `$name` is replaced by the bytes of `name`. */
  readonly variables?: Readonly<Record<string, MaybeInput<Buffer>>>;
  /**
   * What becomes the result: left out, the standard output; one name, that file as raw data;
   * several, an array of them in order; none (`[]`), an empty array.
   */
  readonly outputs?: Outputs;
  /** Environment variables, besides those of the worker. */
  readonly env?: Readonly<Record<string, string>>;
  /** Directories that are searched before those of PATH and LD_LIBRARY_PATH. */
  readonly paths?: readonly string[];
  /** The program is killed, and the task fails, once it has run for so long. */
  readonly timeLimitMs?: number;
};

/** What a program with these outputs makes. */
export type RunResult<Outputs extends RunOutputs> = Outputs extends readonly string[]
  ? number extends Outputs["length"]
    ? Buffer | Buffer[]
    : Outputs extends readonly [string]
      ? Buffer
      : { -readonly [K in keyof Outputs]: Buffer }
  : Buffer;

/**
 * Runs a program, without a shell, in an empty directory of its own. `command` is a list of words,
 * or a line that is split as a shell would. The task fails if the program ends with another status
 * than 0. Asks for 1 cpu unless `resources` says otherwise.
 */
export function run<const Outputs extends RunOutputs = undefined>(
  command: string | readonly RunArgument[],
  options: RunOptions<Outputs> = {},
): Task<RunResult<Outputs>> {
  const words = typeof command === "string" ? splitWords(command) : command;
  if (words.length === 0) throw invalidArgument("tasks.run was given an empty command");
  const inputs: (AnyInput | OptionalInput)[] = [];
  const mapInputs: string[] = [];
  const add = (name: string, input: AnyInput | OptionalInput): void => {
    inputs.push(checkInput("run", input));
    mapInputs.push(name);
  };
  if (options.stdin !== undefined) add(STDIN, options.stdin);
  for (const [name, input] of Object.entries(options.inputs ?? {})) {
    if (name === STDIN || name.startsWith("$")) {
      throw invalidArgument(`An input file cannot be named ${name}; use stdin or variables`);
    }
    add(name, input);
  }
  for (const [name, input] of Object.entries(options.variables ?? {})) add(`$${name}`, input);
  const config = encodeRunConfig({
    args: nameInputWords(words, add, mapInputs).map(bytesOf),
    mapInputs: mapInputs.map(bytesOf),
    mapOutputs: outputNames(options.outputs).map(bytesOf),
    env: Object.entries(options.env ?? {}).map(([name, value]) => ({
      name: bytesOf(name),
      value: bytesOf(value),
    })),
    timeLimitMs: checkTimeLimit(options.timeLimitMs),
    paths: (options.paths ?? []).map(bytesOf),
  });
  const details = detailsOf(options, ONE_CPU);
  return new Task(TASK_TYPE.run, inputs, config, details);
}

/** Replaces tasks among the words by variables, whose names no other word and no variable has. */
function nameInputWords(
  words: readonly RunArgument[],
  add: (name: string, input: AnyInput | OptionalInput) => void,
  taken: readonly string[],
): (string | Uint8Array)[] {
  let used: Set<unknown> | undefined;
  let count = 0;
  return words.map((word) => {
    if (typeof word === "string" || word instanceof Uint8Array) return word;
    used ??= new Set<unknown>([...words, ...taken]);
    let name: string;
    do name = `$input-${++count}`;
    while (used.has(name));
    add(name, word);
    return name;
  });
}

function outputNames(outputs: RunOutputs): readonly string[] {
  if (outputs === undefined) return [STDOUT];
  return typeof outputs === "string" ? [outputs] : outputs;
}

function checkTimeLimit(timeLimitMs: number | undefined): number | undefined {
  if (timeLimitMs === undefined || (timeLimitMs > 0 && Number.isFinite(timeLimitMs))) {
    return timeLimitMs === undefined ? undefined : Math.ceil(timeLimitMs);
  }
  throw invalidArgument(`timeLimitMs must be a number above 0, but is ${timeLimitMs}`);
}
