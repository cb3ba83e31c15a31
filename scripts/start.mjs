// `npm start`: sets up, then runs the main job on a cluster of this machine.
import { run } from "./lib/process.mjs";
import { runScript, setUp } from "./setup.mjs";

await runScript(async () => {
  await setUp();
  const args = ["dist/bin/hyperloom.js", "run", "examples/flights/main.ts", "--"];
  return run(process.execPath, [...args, ...process.argv.slice(2)]);
});
