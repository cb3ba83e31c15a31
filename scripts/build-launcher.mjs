// Compiles launcher/launcher.c where a C compiler is. Never fails the build: without a compiler,
// workers start programs by the launcher in Node. Usage: build-launcher.mjs [OUTPUT]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, say } from "./lib/process.mjs";

const SOURCE = join(ROOT, "launcher/launcher.c");
const FLAGS = ["-O2", "-std=gnu11", "-Wall", "-Wextra"];

/** What a binary of this source, for this machine, answers to --version. */
function readWantedVersion() {
  return `loom-launcher ${/#define PROTOCOL_VERSION (\d+)/.exec(readFileSync(SOURCE, "utf8"))?.[1]}`;
}

function works(binary) {
  const { status, stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return status === 0 && stdout.trim() === readWantedVersion();
}

function isFresh(binary) {
  const builtMs = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const inputs = [SOURCE, fileURLToPath(import.meta.url)];
  return inputs.every((path) => statSync(path).mtimeMs <= builtMs) && works(binary);
}

function findCompiler() {
  const names = [process.env.CC, "cc", "gcc", "clang"].filter(Boolean);
  return names.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
}

/** Returns why there is no compiled launcher, or nothing. Leaves no half-made file behind. */
function compile(output) {
  const compiler = findCompiler();
  if (compiler === undefined) return "no C compiler was found";
  mkdirSync(dirname(output), { recursive: true });
  const draft = `${output}.${process.pid}`;
  try {
    const { status, stderr } = spawnSync(compiler, [...FLAGS, "-o", draft, SOURCE], {
      encoding: "utf8",
    });
    if (status !== 0) {
      process.stderr.write(stderr ?? "");
      return `${compiler} could not compile it`;
    }
    if (!works(draft)) return "it does not run here";
    // A worker may be running the old one: it keeps its file.
    renameSync(draft, output);
    return undefined;
  } finally {
    rmSync(draft, { force: true });
  }
}

const output = resolve(process.argv[2] ?? join(ROOT, "dist/bin/loom-launcher"));
const obstacle = isFresh(output) ? undefined : compile(output);
if (obstacle === undefined) {
  say(`Workers start programs by the compiled launcher, ${relative(ROOT, output)}`);
} else {
  rmSync(output, { force: true });
  say(`Workers start programs by the launcher in Node, slower: ${obstacle}`);
}
