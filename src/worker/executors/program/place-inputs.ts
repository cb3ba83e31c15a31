import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { createFileSink } from "../../store/file-sink.ts";
import { copyValue, isQuick, readQuick, readValue } from "../../store/read-value.ts";
import { FILE_BYTES_MIN, type ValueId } from "../../store/value-id.ts";
import { nameOfType, requireRaw } from "../builtin/builtin.ts";
import { expected, systemReason, TaskError } from "../task-error.ts";
import { decodeName, relativePath, STDERR_NAME, STDIN_NAME, STDOUT_NAME } from "./names.ts";
import type { ProgramTask } from "./program-task.ts";
import { takeIntoStore } from "./take-into-store.ts";

/** Linux's MAX_ARG_STRLEN, its NUL included. */
const ARGUMENT_BYTES_MAX = 128 * 1024 - 1;
const NO_BYTES = new Uint8Array(0);
/** The program's own copy of an input. */
const COPY_MODE = 0o644;

export type PlacedInputs = {
  /** Bytes of the variables, by name. */
  readonly variables: ReadonlyMap<string, Uint8Array>;
  /** Whether there is a file for stdin. */
  readonly hasStdin: boolean;
  /** What each link of the directory leads to, by its path below it. */
  readonly links: ReadonlyMap<string, ValueId>;
};

/** Makes the inputs of a program appear in its directory, which exists. */
export async function placeInputs(task: ProgramTask): Promise<PlacedInputs> {
  const { values, inputs, run } = task;
  if (run.mapInputs.length !== inputs.length) {
    const names = `${run.mapInputs.length}`;
    throw expected(`a name for each of the ${inputs.length} inputs`, `${names} names`);
  }
  const variables = new Map<string, Uint8Array>();
  const links = new Map<string, ValueId>();
  const paths = new Set<string>();
  for (const [i, input] of inputs.entries()) {
    const name = decodeName(run.mapInputs[i] ?? new Uint8Array(0), "a name of an input");
    const isAbsent = values.dataType(input) === DATA_TYPE.absent;
    if (!isAbsent) requireRaw(values, input, i);
    if (isAbsent && name !== STDIN_NAME) {
      // A variable is empty; a file is not there.
      if (name.startsWith("$")) variables.set(name, NO_BYTES);
      continue;
    }
    if (name.startsWith("$")) {
      variables.set(name, await readVariable(task, name, input));
      continue;
    }
    const path = relativePath(name, "Input");
    if (path === STDOUT_NAME || path === STDERR_NAME) {
      throw new TaskError({ message: `Input name '${name}' is taken by the program's own output` });
    }
    if (paths.has(path)) throw new TaskError({ message: `Two inputs are named '${name}'` });
    paths.add(path);
    try {
      if (await placeInput(task, path, input)) links.set(path, input);
    } catch (error) {
      if (error instanceof TaskError) throw error;
      throw new TaskError({ message: `Input '${name}' error: ${systemReason(error)}` });
    }
  }
  return { variables, hasStdin: paths.has(STDIN_NAME), links };
}

async function readVariable(task: ProgramTask, name: string, input: ValueId): Promise<Uint8Array> {
  const { values } = task;
  const sizeBytes = values.sizeBytes(input);
  if (sizeBytes > ARGUMENT_BYTES_MAX) {
    throw expected(
      `at most ${ARGUMENT_BYTES_MAX} bytes for the argument '${name}'`,
      String(sizeBytes),
    );
  }
  const bytes = await readValue(values, input).catch((error: unknown) => {
    throw new TaskError({ message: `Input '${name}' error: ${systemReason(error)}` });
  });
  if (bytes.includes(0)) {
    throw expected(`bytes without NUL for the argument '${name}'`, nameOfType(values, input));
  }
  return bytes;
}

/** True if it became a link. */
async function placeInput(task: ProgramTask, path: string, input: ValueId): Promise<boolean> {
  const { values, directory, protection, signal } = task;
  const target = join(directory, path);
  if (path.includes("/")) mkdirSync(dirname(target), { recursive: true });
  if (isQuick(values, input)) {
    writeFileSync(target, readQuick(values, input), { flag: "wx", mode: COPY_MODE });
    return false;
  }
  const stretch = values.fileStretch(input);
  const isWhole = stretch !== undefined && !values.isRange(input);
  if (!isWhole) {
    const sink = createFileSink(target, COPY_MODE);
    await copyValue(values, input, (chunk) => sink.write(chunk), { signal }).finally(sink.close);
    return false;
  }
  const { file, sizeBytes } = stretch;
  if (!values.files.isOwned(file) && sizeBytes >= FILE_BYTES_MIN && protection !== "none") {
    await takeIntoStore(values, input);
  }
  const source = values.fileStretch(input)?.file ?? file;
  // The data directory is what is mounted read-only for programs.
  const isProtected = protection === "permissions" || values.files.isLocal(source);
  if (values.files.isOwned(source) && protection !== "none" && isProtected) {
    symlinkSync(values.files.path(source), target);
    return true;
  }
  await copyFile(values.files.path(source), target, constants.COPYFILE_FICLONE);
  return false;
}
