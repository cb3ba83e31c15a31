import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VENV_PYTHON } from "../python-venv.mjs";
import { ROOT, run, say, succeeds } from "./process.mjs";

const SOURCES = ["python", "examples", "benchmarks"];
const REPORT = join(ROOT, ".setup/pytest.xml");

/** Lint and format of the Python sources; counted as skipped where ruff could not be installed. */
export async function runRuff() {
  say("Lint (ruff)");
  if (!succeeds(VENV_PYTHON, ["-m", "ruff", "--version"])) {
    say("There is no ruff in .venv, so the Python sources are not linted.");
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const check = await run(VENV_PYTHON, ["-m", "ruff", "check", "--quiet", ...SOURCES]);
  const formatArgs = ["format", "--check", "--quiet", ...SOURCES];
  const format = await run(VENV_PYTHON, ["-m", "ruff", ...formatArgs]);
  const isGood = check === 0 && format === 0;
  if (format !== 0)
    say("Format the Python sources by `.venv/bin/ruff format python examples benchmarks`.");
  return { passed: Number(isGood), failed: Number(!isGood), skipped: 0 };
}

/** Adds up the suites of a report in JUnit's format. */
function readReport(status) {
  let text;
  try {
    text = readFileSync(REPORT, "utf8");
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [suite] of text.matchAll(/<testsuite [^>]*>/g)) {
    const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    counts.failed += failed;
    counts.skipped += count("skipped");
    counts.passed += Math.max(0, count("tests") - failed - count("skipped"));
  }
  // Whatever else went wrong, such as a file that cannot be loaded or an interrupt.
  if (counts.failed === 0 && status !== 0) counts.failed = 1;
  return counts;
}

/** The tests of the Python package; arguments are pytest's. */
export async function runPytest(args) {
  say("Tests (pytest)");
  mkdirSync(join(ROOT, ".setup"), { recursive: true });
  rmSync(REPORT, { force: true });
  const options = ["-m", "pytest", `--junitxml=${REPORT}`, "-o", "faulthandler_timeout=120"];
  return readReport(await run(VENV_PYTHON, [...options, ...args], { cwd: join(ROOT, "python") }));
}
