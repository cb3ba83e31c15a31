import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import type { ProgramStart } from "./program.ts";

/** What to hand to Node's `spawn` so that a program starts as {@link ProgramStart} asks. */
export type NodeCommand = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** To be written to descriptor 3 of the command; `undefined` where it needs none. */
  readonly script: string | undefined;
  readonly isUnpinned: boolean;
};

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";
const STRICT_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes that are UTF-8, else `undefined`. */
function findText(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes as a string of one character each, for what is never shown to anybody. */
const toBinary = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

function prependPaths(paths: readonly string[], rest: string | undefined): string {
  return (rest === undefined || rest === "" ? paths : [...paths, rest]).join(delimiter);
}

/** Where PATH leads to, or the error that an exec of it would give. */
export function findProgram(
  name: string,
  path: string,
  cwd: string,
): { file: string } | { code: string } {
  if (name.includes("/")) return checkProgram(resolve(cwd, name));
  if (name === "") return { code: "ENOENT" };
  let code = "ENOENT";
  for (const directory of path.split(delimiter)) {
    const file = resolve(cwd, directory, name);
    const found = checkProgram(file);
    if ("file" in found) return found;
    // A directory of PATH that we may not search hides nothing that the user could mean.
    if (found.code === "EACCES" && existsSync(file)) code = "EACCES";
  }
  return { code };
}

function checkProgram(file: string): { file: string } | { code: string } {
  try {
    accessSync(file, constants.X_OK);
    // A directory may be "executed" by its permissions; exec refuses it by this error.
    return statSync(file).isFile() ? { file } : { code: "EACCES" };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? "ENOENT" };
  }
}

/** The cpus that this process may use, such as "0-3,8"; undefined where the system does not say. */
function listAllowedCpus(): ReadonlySet<number> {
  const text = readFileSync("/proc/self/status", "latin1");
  const ranges = /^Cpus_allowed_list:\s*(\S+)/m.exec(text)?.[1] ?? "";
  const cpus = new Set<number>();
  for (const range of ranges.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

/** Finds out, once, how programs can be started here. */
export function createCommandBuilder(): (
  program: ProgramStart,
) => NodeCommand | { readonly code: string } {
  const allowedCpus = listAllowedCpus();
  // Reading process.env asks the system for each variable; it does not change in a launcher.
  const inherited = { ...process.env };
  const hasTaskset = "file" in findProgram("taskset", process.env["PATH"] ?? DEFAULT_PATH, "/");
  return (program) => {
    const env: NodeJS.ProcessEnv = { ...inherited };
    // Node passes strings only: what is not UTF-8 goes through env(1), called by the shell.
    const rawVariables = new Map<string, Uint8Array>();
    for (const { name, value } of program.env) {
      const nameText = findText(name);
      const valueText = findText(value);
      const raw = Buffer.concat([name, Buffer.from("="), value]);
      if (nameText === undefined || valueText === undefined) rawVariables.set(toBinary(name), raw);
      else {
        rawVariables.delete(toBinary(name));
        env[nameText] = valueText;
      }
    }
    if (program.paths.length > 0) {
      env["PATH"] = prependPaths(program.paths, env["PATH"] ?? DEFAULT_PATH);
      env["LD_LIBRARY_PATH"] = prependPaths(program.paths, env["LD_LIBRARY_PATH"]);
    }
    const [name = new Uint8Array()] = program.args;
    const nameText = findText(name);
    // A program whose name is not UTF-8 is looked for by the shell, which then says what is wrong.
    if (nameText !== undefined) {
      const found = findProgram(nameText, env["PATH"] ?? DEFAULT_PATH, program.cwd);
      if ("code" in found) return found;
    }
    const isPinned = hasTaskset && program.cpus.some((cpu) => allowedCpus.has(cpu));
    const prefix = isPinned ? ["taskset", "-c", program.cpus.join(",")] : [];
    const isUnpinned = program.cpus.length > 0 && !isPinned;
    const texts = program.args.map(findText);
    if (rawVariables.size === 0 && texts.every((text) => text !== undefined)) {
      const [file = "", ...args] = [...prefix, ...texts];
      return { file, args, env, script: undefined, isUnpinned };
    }
    const words = prefix.map((word) => Buffer.from(word) as Uint8Array);
    if (rawVariables.size > 0) words.push(Buffer.from("env"), ...rawVariables.values());
    const script = createShellScript([...words, ...program.args], env["LC_ALL"]);
    // In the C locale every shell takes bytes for characters.
    const shellEnv = { ...env, LC_ALL: "C" };
    const args = ["-c", 'eval "$(cat <&3)"', "sh"];
    return { file: "/bin/sh", args, env: shellEnv, script, isUnpinned };
  };
}

/** A script that becomes a command of any bytes. It comes over a pipe, since one argument is limited to 128 KiB. */
function createShellScript(words: readonly Uint8Array[], locale: string | undefined): string {
  const lines = ["exec 3<&-"];
  words.forEach((word, index) => {
    // Command substitution drops newlines at the end: the x keeps them.
    lines.push(`a${index}=$(printf %b '${escapeBytes(word)}x')`, `a${index}=\${a${index}%x}`);
  });
  lines.push(locale === undefined ? "unset LC_ALL" : `LC_ALL=${quote(locale)}`);
  lines.push(`exec ${words.map((_, index) => `"$a${index}"`).join(" ")}`);
  return lines.join("\n");
}

/** For printf's %b: letters and digits as they are, all else as \0 and three octal digits. */
function escapeBytes(bytes: Uint8Array): string {
  return toBinary(bytes).replace(
    /[^a-zA-Z0-9]/g,
    (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
