// Makes .venv, the virtual environment of the Python package and its tests; does nothing, quickly,
// the second time. `node scripts/python-venv.mjs` makes it by hand. Imports no package.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installDebianPackages } from "./lib/debian.mjs";
import { output, ROOT, runQuietly, say, succeeds } from "./lib/process.mjs";

const VENV = join(ROOT, ".venv");
const STAMP = join(VENV, "hyperloom-stamp");
const REQUIREMENTS = "python/requirements-test.txt";

/** The interpreter of the virtual environment. */
export const VENV_PYTHON = join(VENV, "bin/python");

/** Prints its version if it is new enough and can make virtual environments. */
const PROBE =
  "import sys, venv, ensurepip; assert sys.version_info >= (3, 9); print(sys.version.split()[0])";

function findPython() {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const version = output(python, ["-c", PROBE]);
    if (version !== undefined) return { python, version };
  }
  return undefined;
}

/** What the environment is made of; another hash means that it is out of date. */
function hashInputs() {
  const hash = createHash("sha256").update(VENV);
  for (const path of ["python/pyproject.toml", REQUIREMENTS, "scripts/python-venv.mjs"]) {
    hash.update(readFileSync(join(ROOT, path))).update("\0");
  }
  return hash.digest("hex");
}

function isFresh() {
  return (
    existsSync(STAMP) &&
    readFileSync(STAMP, "utf8") === hashInputs() &&
    // The interpreter it was made with may be gone.
    succeeds(VENV_PYTHON, ["-c", "import cloudpickle, loom, pytest"])
  );
}

function installFromIndex({ python, version }) {
  say(`Making .venv with Python ${version} and the packages of ${REQUIREMENTS} (pip)`);
  runQuietly(python, ["-m", "venv", VENV]);
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  runQuietly(VENV_PYTHON, [...pip, "-r", REQUIREMENTS]);
  // The sources themselves, so that a change shows at once.
  runQuietly(VENV_PYTHON, [...pip, "--no-deps", "--no-build-isolation", "-e", "./python"]);
}

/** Without an index: what Debian has. Its packages are seen from inside of the environment. */
function installFromDebian() {
  say("Making .venv with the packages of Debian instead");
  installDebianPackages(["python3", "python3-cloudpickle", "python3-pytest"]);
  const options = ["--clear", "--system-site-packages", "--without-pip"];
  runQuietly("/usr/bin/python3", ["-m", "venv", ...options, VENV]);
  const site = output(VENV_PYTHON, [
    "-c",
    "import sysconfig; print(sysconfig.get_path('purelib'))",
  ]);
  writeFileSync(join(site ?? "", "hyperloom.pth"), `${join(ROOT, "python")}\n`);
  runQuietly(VENV_PYTHON, ["-c", "import cloudpickle, loom, pytest"]);
}

/**
 * Makes the environment if it is missing or out of date.
 * @returns whether it is there; if not, why was said
 */
export function makePythonVenv() {
  if (isFresh()) return true;
  rmSync(VENV, { recursive: true, force: true });
  try {
    let found = findPython();
    if (found === undefined) {
      installDebianPackages(["python3", "python3-venv"]);
      found = findPython();
    }
    if (found === undefined) {
      throw new Error("Python 3.9 or later, with its module venv, is not here");
    }
    installFromIndex(found);
  } catch (error) {
    say(error.message);
    try {
      installFromDebian();
    } catch (second) {
      say(`${second.message}. There is no .venv, so what is in Python cannot be tested.`);
      rmSync(VENV, { recursive: true, force: true });
      return false;
    }
  }
  writeFileSync(STAMP, hashInputs());
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(makePythonVenv() ? 0 : 1);
