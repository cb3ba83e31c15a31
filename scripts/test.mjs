// `npm test`: sets up, runs every check and every test, and ends with one line that adds them up.
// With arguments, only those tests run: those in python/ by pytest, others by vitest, such as
// `npm test -- tests/protocol` or `npm test -- python/tests/test_plan.py`.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, say } from "./lib/process.mjs";
import { runPytest, runRuff } from "./lib/python-tests.mjs";
import { runScript, setUp } from "./setup.mjs";

const REPORT = join(ROOT, ".setup/vitest.json");
const CHAOS_REPORT = join(ROOT, ".setup/chaos.json");
const CHAOS_LOG = join(ROOT, ".setup/chaos.log");

/** A step that passes or fails as a whole. */
async function runCheck(name, args) {
  say(name);
  const isGood = (await run("npm", ["run", "--silent", ...args])) === 0;
  return { passed: Number(isGood), failed: Number(!isGood), skipped: 0 };
}

function readReport(path, status) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that cannot even be loaded has no tests, so it counts as one that failed.
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + unloadable;
  return {
    passed: report.numPassedTests,
    // Errors outside of any test end vitest with a failure although no test failed.
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function runVitest(args) {
  say("Tests (vitest)");
  return readReport(REPORT, await vitest(REPORT, args));
}

function vitest(report, args, options) {
  mkdirSync(join(ROOT, ".setup"), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  return run("npx", ["--no-install", "vitest", "run", ...reporters, ...args], options);
}

/**
 * Two minutes of killing and pausing, which mostly wait: they run beside the checks and the tests
 * that have no deadlines. What they print comes in one piece, by the function that this answers.
 */
function startChaos() {
  say("Chaos, beside what follows");
  mkdirSync(join(ROOT, ".setup"), { recursive: true });
  const log = openSync(CHAOS_LOG, "w");
  const running = vitest(CHAOS_REPORT, ["--project", "chaos"], { stdio: ["ignore", log, log] });
  return async () => {
    const status = await running;
    closeSync(log);
    say("Chaos");
    process.stdout.write(readFileSync(CHAOS_LOG));
    return readReport(CHAOS_REPORT, status);
  };
}

await runScript(async () => {
  const { hasPython } = await setUp({ forTests: true });
  const args = process.argv.slice(2);
  const pythonArgs = args.filter((arg) => arg.startsWith("python/"));
  const otherArgs = args.filter((arg) => !pythonArgs.includes(arg));
  const endChaos = args.length === 0 ? startChaos() : undefined;
  const counts = [
    await runCheck("Lint (biome)", ["lint"]),
    await runCheck("Types (tsc)", ["types"]),
    await runCheck("Unused code (knip)", ["unused"]),
  ];
  if (endChaos !== undefined) {
    const projects = ["--project", "units", "--project", "processes"];
    counts.push(await runVitest(projects), await endChaos());
  } else if (otherArgs.length > 0) counts.push(await runVitest(otherArgs));
  if (!hasPython) {
    say("The Python tests could not run, which counts as one failure; see above why.");
    counts.push({ passed: 0, failed: 1, skipped: 0 });
  } else if (args.length === 0 || pythonArgs.length > 0) {
    counts.push(await runRuff());
    counts.push(await runPytest(pythonArgs.map((arg) => arg.slice("python/".length))));
  }
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  const skipped = sum("skipped");
  const tail = skipped > 0 ? `, ${skipped} skipped` : "";
  process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed${tail}\n`);
  return sum("failed") === 0 ? 0 : 1;
});
