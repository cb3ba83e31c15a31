// `npm run bench`: sets up, bundles what is in benchmarks/, and runs it; all arguments are its own.
import { join } from "node:path";
import { ROOT, run } from "./lib/process.mjs";
import { runScript, setUp } from "./setup.mjs";

const OUT_DIR = join(ROOT, ".setup/benchmarks");

/** Programs of their own: each runs in a process of its own. */
const PROGRAMS = {
  main: "benchmarks/main.ts",
  driver: "benchmarks/drivers/driver.ts",
  pinger: "benchmarks/drivers/pinger.ts",
  echo: "benchmarks/limits/echo.ts",
  "socket-pair": "benchmarks/limits/socket-pair.ts",
  memcpy: "benchmarks/limits/memcpy.ts",
};

await runScript(async () => {
  // Another build is measured as it is, and a report measures nothing: ours need not even be possible.
  const needsBuild = !["--build", "--report", "--help"].some((flag) => process.argv.includes(flag));
  await setUp({ builds: needsBuild });
  // Only there once the packages are installed.
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: ROOT,
    entryPoints: PROGRAMS,
    outdir: OUT_DIR,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    logLevel: "warning",
  });
  return run(process.execPath, [join(OUT_DIR, "main.js"), ...process.argv.slice(2)]);
});
