// `npm run check`: for whoever works on the code. Lint, types, unused code and the fast tests.
import { run, say } from "./lib/process.mjs";
import { runScript, setUp } from "./setup.mjs";

const STEPS = [
  ["Lint (biome)", ["run", "--silent", "lint"]],
  ["Types (tsc)", ["run", "--silent", "types"]],
  ["Unused code (knip)", ["run", "--silent", "unused"]],
  ["Simulations of a cluster with faults", ["run", "--silent", "simulate", "--", "--seeds", "20"]],
  ["Fast tests (vitest)", ["run", "--silent", "fast-tests"]],
];

await runScript(async () => {
  await setUp();
  for (const [name, args] of STEPS) {
    say(name);
    if ((await run("npm", args)) !== 0) return 1;
  }
  say("All checks passed");
  return 0;
});
