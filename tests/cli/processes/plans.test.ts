import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, type Task, tasks } from "../../../src/client/index.ts";
import { BIN, type Program, runToEnd, start } from "./programs.ts";

const GENEROUS = { timeout: 120_000 };
let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hyperloom-plans-"));
});

afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

async function startServer(
  args: readonly string[] = [],
  port = "0",
): Promise<{ readonly program: Program; readonly port: string; readonly address: string }> {
  const program = start("loom-server", ["--port", port, ...args]);
  const [, found = ""] = await program.waitFor(/server listens.*port=(\d+)/);
  return { program, port: found, address: `127.0.0.1:${found}` };
}

function startWorker(port: string): Program {
  return start("loom-worker", ["--cpus", "2", "--wdir", scratch, "127.0.0.1", port]);
}

/** A program that says how often it ran, and goes on once its file is there. */
const gate = (name: string): { readonly task: Task<Buffer>; open(): Promise<void> } => {
  const path = join(scratch, name);
  const script = `echo x >> '${path}.runs'; while [ ! -e '${path}' ]; do sleep 0.02; done; echo ${name}`;
  return {
    task: tasks.run(["sh", "-c", script], { label: name }),
    open: () => writeFile(path, ""),
  };
};

async function eventually(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test(
  "plans without their clients are listed, waited for, fetched and forgotten",
  GENEROUS,
  async () => {
    const { program, port, address } = await startServer();
    await using _server = program;
    await using _worker = startWorker(port);
    const plans = (...args: string[]) =>
      runToEnd("hyperloom", ["plans", ...args, "--server", address]);
    const { task, open } = gate("long");
    {
      await using client = await Client.connect(address, { name: "submitter" });
      const other = tasks.run(["echo", "other"], { label: "other" });
      client.submit([task, tasks.split(other)], { name: "nightly", detach: true });
      const again = client.submit(other, { name: "nightly", detach: true });
      await expect(again.wait()).rejects.toMatchObject({ code: "plan-refused" });
      expect(() => client.submit(other, { detach: true })).toThrow(/both/);
    }
    const list = await plans("list");
    expect(list).toMatchObject({ code: 0, stderr: "" });
    expect(list.stdout).toMatch(/nightly +running +\d of 2 +3 .* submitter\n$/);
    expect(await plans("wait", "nightly", "--timeout", "0.1")).toMatchObject({ code: 6 });
    await open();
    expect(await plans("wait", "nightly")).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse((await plans("--json")).stdout)).toMatchObject([
      { name: "nightly", state: "finished", results: 2, resultsFinished: 2, tasks: 3 },
    ]);
    expect(await plans("fetch", "nightly", "long")).toMatchObject({ code: 0, stdout: "long\n" });
    expect(await plans("fetch", "nightly", "1")).toMatchObject({ stdout: '["other\\n"]\n' });
    const file = join(scratch, "fetched");
    expect(await plans("fetch", "nightly", "0", "--output", file)).toMatchObject({ code: 0 });
    expect(await readFile(file, "utf8")).toBe("long\n");
    expect(await plans("fetch", "nightly", "nothing")).toMatchObject({ code: 2 });
    expect(await plans("forget", "nightly")).toMatchObject({ code: 0 });
    const gone = await plans("wait", "nightly");
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain("There is no plan 'nightly'");
    expect((await plans()).stdout).toBe("No plan lives without its client.\n");
  },
);

test("a canceled plan stops running", GENEROUS, async () => {
  const { program, port, address } = await startServer();
  await using _server = program;
  await using _worker = startWorker(port);
  await using client = await Client.connect(address);
  const future = client.submit(gate("never").task, { name: "endless", detach: true });
  await eventually(() => existsSync(join(scratch, "never.runs")));
  const args = ["plans", "cancel", "endless", "--server", address];
  expect(await runToEnd("hyperloom", args)).toMatchObject({ code: 0, stderr: "" });
  await expect(future.wait()).rejects.toThrow(/cancel/);
  await eventually(async () => (await client.status()).tasks.running === 0);
  expect(await client.plans()).toMatchObject([{ name: "endless", state: "canceled" }]);
});

/** A process that submits a plan and waits for ever. */
const submitter = (address: string, code: string): string => `
  import { Client, tasks } from ${JSON.stringify(join(BIN, "client.js"))};
  const client = await Client.connect(${JSON.stringify(address)});
  ${code}
  await client.stats();
  console.log("submitted");
  setInterval(() => {}, 1000);
`;

test(
  "the plans of a client that was killed go on for the grace, and then end",
  GENEROUS,
  async () => {
    const { program, port, address } = await startServer(["--client-grace", "2"]);
    await using _server = program;
    await using _worker = startWorker(port);
    const runs = join(scratch, "runs");
    const script = JSON.stringify(`echo x > ${runs}; sleep 1000`);
    const code = `client.submit(tasks.run(["sh", "-c", ${script}]));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", submitter(address, code)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await eventually(() => existsSync(runs));
    await using client = await Client.connect(address);
    child.kill("SIGKILL");
    await program.waitFor(/client is away/);
    expect((await client.status()).tasks.running).toBe(1);
    await program.waitFor(/client did not come back/);
    await eventually(async () => (await client.status()).tasks.running === 0);
  },
);

test("the plans of a client that ends by itself end at once", GENEROUS, async () => {
  const { program, port, address } = await startServer();
  await using _server = program;
  await using _worker = startWorker(port);
  const code = `client.submit(tasks.run(["sleep", "1000"])); await client.stats(); process.exit();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", submitter(address, code)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  await once(child, "exit");
  await program.waitFor(/client left .*goodbye/);
  expect(program.stdout()).not.toContain("client is away");
});

test("a server with a journal that is killed has its plans when it is back", GENEROUS, async () => {
  const journal = ["--journal", join(scratch, "journal")];
  const first = await startServer(journal);
  const { port, address } = first;
  await using _worker = startWorker(port);
  const detached = gate("detached");
  const own = gate("own");
  const notices: string[] = [];
  await using client = await Client.connect(address, {
    onNotice: (message) => notices.push(message),
    reconnectForMs: 90_000,
  });
  {
    await using submitting = await Client.connect(address);
    const done = tasks.run(["echo", "done"], { label: "done" });
    const [, doneFuture] = submitting.submit([detached.task, done], {
      name: "survivor",
      detach: true,
    });
    await doneFuture.wait();
  }
  const future = client.submit(tasks.merge([own.task, tasks.const("!")]));
  const value = future.fetch();
  await eventually(() =>
    ["detached", "own"].every((name) => existsSync(join(scratch, `${name}.runs`))),
  );
  first.program.child.kill("SIGKILL");
  await first.program.ended;
  const late = client.submit(tasks.merge([tasks.const("late")]));
  await using _second = (await startServer(journal, port)).program;
  await using _other = startWorker(port);
  await detached.open();
  await own.open();
  expect((await value).toString()).toBe("own\n!");
  expect((await late.fetch()).toString()).toBe("late");
  expect(notices.join("\n")).toMatch(/broke: [\s\S]*found again/);
  const plan = await client.attach<[Buffer, Buffer]>("survivor");
  const values = await plan.fetch();
  expect(values.map(String)).toEqual(["detached\n", "done\n"]);
  expect(await plan.status()).toMatchObject({ state: "finished", resultsFinished: 2 });
  await plan.forget();
});
