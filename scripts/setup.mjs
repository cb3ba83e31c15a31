// Installs what is missing and builds what is out of date; does nothing, quickly, the second time.
// Imports no package: it runs in a fresh clone, before `npm ci`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildIsFresh, markBuildFresh } from "./lib/build-stamp.mjs";
import { installDebianPackages } from "./lib/debian.mjs";
import { packagesAreInstalled } from "./lib/packages.mjs";
import { ROOT, run, say, succeeds } from "./lib/process.mjs";
import { makePythonVenv } from "./python-venv.mjs";

const MIN_NODE = [20, 19];

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new Error(`Node ${MIN_NODE.join(".")} or later is needed; this is ${process.version}.`);
}

async function installPackages() {
  if (packagesAreInstalled()) return;
  say("Installing the npm packages of package-lock.json (npm ci)");
  const status = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (status !== 0) throw new Error("npm ci failed; see its message above.");
}

/** A C compiler makes the launcher that starts programs fastest; without one a Node launcher does it. */
function findCompiler() {
  const hasCompiler = () => ["cc", "gcc"].some((name) => succeeds(name, ["--version"]));
  if (hasCompiler()) return;
  if (installDebianPackages(["gcc", "libc6-dev"]) && hasCompiler()) return;
  say(
    "No C compiler here: workers will start programs by the launcher in Node (slower, same results)",
  );
}

async function build() {
  if (buildIsFresh() && existsSync(join(ROOT, "dist/bin/hyperloom.js"))) return;
  findCompiler();
  say("Building dist/ (npm run build)");
  const status = await run("npm", ["run", "--silent", "build"]);
  if (status !== 0) throw new Error("The build failed; see its messages above.");
  markBuildFresh();
}

/** Golden frames are written again by Google's protobuf runtime and compared; without it that test fails. */
function installTestTools() {
  const isThere = () =>
    succeeds("/usr/bin/python3", ["-c", "import google.protobuf"]) &&
    succeeds("protoc", ["--version"]);
  if (isThere()) return;
  installDebianPackages(["python3-protobuf", "protobuf-compiler"]);
  if (!isThere()) {
    say(
      "python3-protobuf and protobuf-compiler are missing here: the test that needs them will fail",
    );
  }
}

/**
 * Brings this checkout to where everything can run.
 * @param {{ forTests?: boolean, builds?: boolean }} options `forTests`: what only the tests need,
 *   too; `builds`: dist/, the default
 * @returns {Promise<{ hasPython: boolean }>} whether there is a .venv, if it was asked for
 */
export async function setUp({ forTests = false, builds = true } = {}) {
  const startMs = performance.now();
  checkNode();
  await installPackages();
  if (builds) await build();
  if (forTests) installTestTools();
  const hasPython = forTests && makePythonVenv();
  say(`Set up in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return { hasPython };
}

/** Runs a script's body; a failure is one line on stderr and exit status 1. */
export async function runScript(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    process.stderr.write(`[hyperloom] ${error.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => setUp({ forTests: process.argv.includes("--for-tests") }));
}
