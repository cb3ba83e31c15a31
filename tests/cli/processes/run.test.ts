import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runToEnd, start, untilGone } from "./programs.ts";

const LIMIT_MS = 60_000;
const HELLO = `import { Client, tasks } from "hyperloom";
import { greeting } from "./greeting";
type Name = string;
const [name = "world"]: Name[] = process.argv.slice(2);
await using client = await Client.connect();
const future = client.submit(tasks.merge([tasks.const(greeting), tasks.const(name)]));
console.log((await future.gather()).toString(), import.meta.dirname);
`;

describe("hyperloom run", { timeout: LIMIT_MS }, () => {
  // Far from any package.json.
  let folder = "";
  const write = (name: string, source: string): string => {
    const path = join(folder, name);
    writeFileSync(path, source);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hyperloom-run-"));
    write("greeting.ts", `export const greeting: string = "Hello ";`);
    write("hello.ts", HELLO);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("runs a TypeScript pipeline on a cluster of its own", async () => {
    const args = ["run", "hello.ts", "--", "--you"];
    const { code, stdout, stderr } = await runToEnd("hyperloom", args, { cwd: folder });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `Hello --you ${folder}\n`,
      stderr: "",
    });
  });

  test("runs it against the server that is named", async () => {
    await using local = start("hyperloom", ["local", "--json"]);
    const [line] = await local.waitFor(/^\{.*\}\n/);
    const { address } = JSON.parse(line) as { address: string };
    const script = write(
      "address.mjs",
      `import { Client } from "hyperloom";
await using client = await Client.connect();
console.log(process.env.HYPERLOOM_SERVER);`,
    );
    const byOption = await runToEnd("hyperloom", ["run", "-s", address, script]);
    expect(byOption).toMatchObject({ code: 0, stdout: `${address}\n` });
    const env = { HYPERLOOM_SERVER: address };
    const byEnvironment = await runToEnd("hyperloom", ["run", script], { env });
    expect(byEnvironment).toMatchObject({ code: 0, stdout: `${address}\n` });
  });

  test("ends with the script's status", async () => {
    const script = write("seven.ts", "process.exit(7 as number);");
    expect((await runToEnd("hyperloom", ["run", script])).code).toBe(7);
  });

  test("shows where in the source a script failed", async () => {
    const script = write("fails.ts", `type A = 1;\n\nthrow new Error("Oh no");\n`);
    const { code, stderr } = await runToEnd("hyperloom", ["run", script]);
    expect(stderr).toContain("fails.ts:3");
    expect(code).toBe(1);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends script, cluster and programs",
    async (signal) => {
      const script = write(
        "sleeps.ts",
        `import { Client, tasks } from "hyperloom";
const client = await Client.connect();
const future = client.submit(tasks.run(["sh", "-c", "echo started >&2; sleep 1000"]));
console.log("submitted");
await future.wait();`,
      );
      await using run = start("hyperloom", ["run", script]);
      await run.waitFor(/submitted/);
      run.child.kill(signal);
      const { code } = await run.ended;
      expect(code).toBeGreaterThan(128);
      await untilGone(run.mark);
    },
  );

  test("Ctrl-C in a terminal reaches all of them at once and ends all of them", async () => {
    const script = write("waits.ts", `console.log("up"); setInterval(() => undefined, 1000);`);
    await using run = start("hyperloom", ["run", script], { detached: true });
    await run.waitFor(/up/);
    process.kill(-(run.child.pid ?? 0), "SIGINT");
    await run.ended;
    await untilGone(run.mark);
  });
});
