import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TaskError } from "../../../../src/worker/executors/task-error.ts";
import { isAlive, waitFor, waitForEnd } from "../../launcher/workbench.ts";
import { testDirectory } from "../../support/test-store.ts";
import { createPoolBench, type StartedCall, type Told } from "./pool-bench.ts";

const PID = "return [api.data(String(process.pid))];";
const QUICK = 'return [api.data("quick")];';
/** Marks that it runs, in the file that the config names, and never ends. */
const SPIN = "api.mark(config); for (;;);";
/** The same, but lets its runner's loop turn. */
const WAIT = "api.mark(config); await new Promise(() => setInterval(() => {}, 1000));";

const pidIn = (path: string): Promise<number> =>
  waitFor(`a pid in ${path}`, () =>
    existsSync(path) ? Number(readFileSync(path, "utf8")) || undefined : undefined,
  );

const pidOf = (told: Told): number => Number((told as { readonly value: string }).value);

const toldOf = (calls: readonly StartedCall[]): Promise<Told[]> =>
  Promise.all(calls.map(({ told }) => told));

describe("values", () => {
  test("inputs of all kinds go in, results of all kinds come out", async () => {
    const bench = createPoolBench();
    const told = await bench.run(
      `const [list] = inputs;
       const [first, second] = api.nodes[list].items;
       const index = api.nodes[inputs[1]];
       return [
         { type: "ref", row: first },
         api.data(config + api.nodes[second].content),
         { type: "array", items: [1, 0, 1] },
         { type: "ref", row: index.base, offset: 2, bytes: 3 },
         { type: "array", items: [2, 3] },
       ];`,
      { config: "config ", inputs: [["a", "b"], { index: ["ab", "cde", "f"] }] },
    );
    expect(told).toEqual({ value: [["config b", "a", "config b"], "cde"] });
  });

  test("large ones pass through files, and leave none", async () => {
    const bench = createPoolBench();
    const large = "x".repeat(3_000_000);
    const told = await bench.run(
      `const node = api.nodes[inputs[0]];
       const name = api.hello.filePrefix + "1";
       api.writeFile(api.hello.dataDirectory + "/" + name, "y".repeat(2_000_000));
       return [
         { type: "data", bytes: 2_000_000, file: name },
         api.data(JSON.stringify([node.bytes, node.offset, node.content === undefined])),
         { type: "array", items: [0, 1] },
       ];`,
      { inputs: [large] },
    );
    expect(told).toEqual({ value: ["y".repeat(2_000_000), "[3000000,0,true]"] });
    await bench.values.files.settled();
    expect(bench.files()).toEqual([]);
  });

  test("a call is told who it is, and is heard while it runs", async () => {
    const bench = createPoolBench();
    const told = await bench.run(
      `const { id } = api;
       api.send({ kind: "log", id, level: "warning", text: "careful" });
       api.send({ kind: "progress", id, fraction: 0.5, message: "half" });
       console.log("one\\ntwo");
       await new Promise((resolve) => setTimeout(resolve, 50));
       return [api.data([api.task, api.attempt].join())];`,
    );
    expect(told).toEqual({ value: "7,2" });
    expect(bench.logs).toEqual(
      expect.arrayContaining(["warning: careful", "0.5 half", "printed: one", "printed: two"]),
    );
  });

  test("a redirect comes with its tasks and values", async () => {
    const bench = createPoolBench();
    const told = await bench.run(
      `api.payload.push(Buffer.from("config!"));
       const task = { type: "task", taskType: "loom/data/merge", config: 7, inputs: [0],
         request: { "loom/resource/cpus": 2 }, checkpointPath: "/tmp/x" };
       return { redirect: [{ type: "ref", row: inputs[0] }, task] };`,
      { inputs: ["a"] },
    );
    const { redirect } = told as { readonly redirect: readonly unknown[] };
    expect(redirect[1]).toMatchObject({
      kind: "task",
      config: Buffer.from("config!"),
      task: { taskType: "loom/data/merge", inputs: [0], request: { "loom/resource/cpus": 2 } },
    });
    expect(bench.values.count).toBe(0);
  });

  test("an error fails the call", async () => {
    const bench = createPoolBench();
    expect(await bench.run('return { error: { message: "no" } };')).toEqual({ failed: "no" });
  });
});

describe("runners", () => {
  test("a lane has one, lanes beside each other have their own, and all are used again", async () => {
    const bench = createPoolBench();
    const told = await toldOf(
      await bench.start([PID, { lane: 1 }], [PID, { lane: 1 }], [PID, { lane: 2 }]),
    );
    const [one, same, other] = told.map(pidOf);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    expect([one, other]).toContain(pidOf(await bench.run(PID)));
  });

  test("the one that knows a function is preferred", async () => {
    const bench = createPoolBench();
    const special = `${PID} // special`;
    const [started] = await bench.start([special, { lane: 1 }], [PID, { lane: 2 }]);
    const pid = pidOf((await started?.told) ?? "postponed");
    await bench.run(PID);
    for (let i = 0; i < 3; i++) expect(pidOf(await bench.run(special))).toBe(pid);
  });

  test("many calls of many functions", async () => {
    const bench = createPoolBench();
    const codes = Array.from({ length: 300 }, (_, i) => `return [api.data("${i}")];`);
    for (let round = 0; round < 2; round++) {
      const told = await toldOf(await bench.start(...codes.map((c) => [c, { lane: 1 }] as const)));
      expect(told.map((one) => (one as { value: string }).value)).toEqual(
        codes.map((_, i) => `${i}`),
      );
    }
  });

  test("calls with more data than a runner is sent at once", async () => {
    const bench = createPoolBench();
    const code = "return [api.data(String(api.nodes[inputs[0]].bytes))];";
    const input = "x".repeat(1_000_000);
    const calls = Array.from({ length: 80 }, () => [code, { lane: 1, inputs: [input] }] as const);
    const told = await toldOf(await bench.start(...calls));
    expect(told).toEqual(told.map(() => ({ value: "1000000" })));
  });

  test("one without calls ends after a time", async () => {
    const bench = createPoolBench({ idleMs: 50 });
    const pid = pidOf(await bench.run(PID));
    await waitForEnd([pid]);
    expect(pidOf(await bench.run(PID))).not.toBe(pid);
  });

  test("they end with the pool, whatever they do", async () => {
    const bench = createPoolBench();
    const path = join(testDirectory(), "mark");
    const idlePid = pidOf(await bench.run(PID));
    await bench.start([SPIN, { config: path, lane: 1 }], [SPIN, { config: `${path}2`, lane: 2 }]);
    const pids = [idlePid, await pidIn(path), await pidIn(`${path}2`)];
    await bench.pool.dispose();
    await waitForEnd(pids);
  });
});

describe("crashes", () => {
  test("fail the call that ran; those before and behind it do not notice", async () => {
    const bench = createPoolBench();
    const crash = 'console.error("oh no"); process.kill(process.pid, "SIGSEGV"); for (;;);';
    const told = await toldOf(
      await bench.start(
        [QUICK, { lane: 1 }],
        [crash, { lane: 1 }],
        [QUICK, { lane: 1 }],
        [QUICK, { lane: 1 }],
      ),
    );
    const [before, crashed, ...behind] = told;
    expect(before).toEqual({ value: "quick" });
    expect(crashed).toEqual({
      failed: "The test process that ran the function was ended by SIGSEGV\nStderr:\noh no\n",
      signal: "SIGSEGV",
    });
    expect(behind).toEqual([{ value: "quick" }, { value: "quick" }]);
  });

  test("an exit is told with its status", async () => {
    const bench = createPoolBench();
    expect(await bench.run("process.exit(3);")).toMatchObject({
      failed: expect.stringContaining("exited with status 3"),
      exitCode: 3,
    });
  });

  test("what speaks nonsense is ended, and nothing of it stays", async () => {
    const bench = createPoolBench();
    const nonsense = [
      'api.send({ kind: "results", results: [{ id: 99, us: 1, nodes: [] }] });',
      'api.send({ kind: "what" });',
      "return [];",
      'return [{ type: "ref", row: 5 }];',
      'return [{ type: "array", items: [0] }];',
      'return [api.data("a"), { type: "data", bytes: 1e9 }];',
      'return [{ type: "data", bytes: 5, file: "../../etc/passwd" }];',
      'return { redirect: [api.data("a")] };',
      'return [{ type: "constructor", bytes: 0 }];',
      "return { nodes: 3 };",
      "return {};",
    ];
    for (const code of nonsense) {
      const told = await bench.run(`${code}\nfor (;;);`);
      expect(told, code).toMatchObject({ failed: expect.stringContaining("frames") });
    }
    await bench.values.files.settled();
    expect([bench.values.count, bench.files()]).toEqual([0, []]);
  });

  test("files that a runner was still to tell of are removed", async () => {
    const bench = createPoolBench();
    await bench.run(
      `api.writeFile(api.hello.dataDirectory + "/" + api.hello.filePrefix + "9", "half");
       process.exit(1);`,
    );
    await waitFor("the file's end", () => (bench.files().length === 0 ? true : undefined));
  });

  test("runners that do not even start are told of after a few tries", async () => {
    const bench = createPoolBench({
      language: {
        command: async () => ({
          file: "/bin/sh",
          args: ["-c", "echo broken set-up >&2; exit 7"],
          env: {},
        }),
      },
    });
    expect(await bench.run(QUICK)).toEqual({
      failed: expect.stringMatching(/No test runner stays alive.*status 7.*\n.*\nbroken set-up/s),
      exitCode: 7,
    });
  });

  test("a runner that cannot be found is asked for again next time", async () => {
    let asked = 0;
    const bench = createPoolBench({
      language: {
        command: async () => {
          asked += 1;
          throw new TaskError({ message: "no interpreter" });
        },
      },
    });
    expect(await bench.run(QUICK)).toEqual({ failed: "no interpreter" });
    expect(await bench.run(QUICK)).toEqual({ failed: "no interpreter" });
    expect(asked).toBe(2);
  });

  test("a program that is not there", async () => {
    const bench = createPoolBench({
      language: { command: async () => ({ file: "/no/such/program", args: [], env: {} }) },
    });
    expect(await bench.run(QUICK)).toEqual({ failed: expect.stringContaining("ENOENT") });
  });
});

describe("kills", () => {
  test("one that runs ends with its process; those behind it go on", async () => {
    const bench = createPoolBench();
    const path = join(testDirectory(), "mark");
    const [spinning, ...others] = await bench.start(
      [SPIN, { lane: 1, config: path }],
      [QUICK, { lane: 1 }],
      [QUICK, { lane: 1 }],
    );
    const pid = await pidIn(path);
    if (spinning !== undefined) bench.pool.kill([spinning.call]);
    expect(await spinning?.told).toBe("killed");
    expect(isAlive(pid), "what is told killed does not run any more").toBe(false);
    expect(await toldOf(others)).toEqual([{ value: "quick" }, { value: "quick" }]);
  });

  test("one that has not begun never does, and the runner lives", async () => {
    const bench = createPoolBench();
    const directory = testDirectory();
    const slow = `api.mark(config); await new Promise((r) => setTimeout(r, 15)); ${PID}`;
    const calls = await bench.start(
      [slow, { lane: 1, config: join(directory, "first") }],
      [slow, { lane: 1, config: join(directory, "second") }],
      [PID, { lane: 1 }],
    );
    await pidIn(join(directory, "first"));
    const [first, second, third] = calls;
    if (second !== undefined) bench.pool.kill([second.call]);
    const pid = pidOf((await first?.told) ?? "postponed");
    expect(pidOf((await third?.told) ?? "postponed")).toBe(pid);
    expect(pidOf(await bench.run(PID))).toBe(pid);
    expect(await second?.told).toBe("killed");
    expect(existsSync(join(directory, "second"))).toBe(false);
  });

  test("all of a lane at once", async () => {
    const bench = createPoolBench();
    const path = join(testDirectory(), "mark");
    const calls = await bench.start(
      [SPIN, { lane: 1, config: path }],
      ...Array.from({ length: 20 }, () => [QUICK, { lane: 1 }] as const),
    );
    const pid = await pidIn(path);
    bench.pool.kill(calls.map(({ call }) => call));
    expect(await toldOf(calls)).toEqual(calls.map(() => "killed"));
    expect(isAlive(pid)).toBe(false);
    expect(await bench.run(QUICK, { lane: 1 })).toEqual({ value: "quick" });
  });

  test("while the runner is still starting", async () => {
    const bench = createPoolBench();
    const calls = await bench.start([QUICK, { lane: 1 }], [QUICK, { lane: 1 }]);
    const [first, second] = calls;
    if (first !== undefined) bench.pool.kill([first.call]);
    expect(await first?.told).toBe("killed");
    expect(await second?.told).toEqual({ value: "quick" });
  });

  test("one that goes on until its time to end is over", async () => {
    const bench = createPoolBench({ language: { abortMs: 300 } });
    const path = join(testDirectory(), "mark");
    const [call] = await bench.start([SPIN, { config: path }]);
    const pid = await pidIn(path);
    if (call !== undefined) bench.pool.kill([call.call]);
    expect(isAlive(pid)).toBe(true);
    expect(await call?.told).toBe("killed");
    expect(isAlive(pid)).toBe(false);
  });

  test("one that ends meanwhile by itself", async () => {
    const bench = createPoolBench({ language: { abortMs: 60_000 } });
    const path = join(testDirectory(), "mark");
    const slow = `api.mark(config); await new Promise((r) => setTimeout(r, 15)); ${PID}`;
    const [call] = await bench.start([slow, { config: path }]);
    const pid = await pidIn(path);
    if (call !== undefined) bench.pool.kill([call.call]);
    expect(await call?.told).toBe("killed");
    expect(pidOf(await bench.run(PID)), "its runner lives").toBe(pid);
  });

  test("and the pool is disposed of", async () => {
    const bench = createPoolBench({ language: { abortMs: 60_000 } });
    const path = join(testDirectory(), "mark");
    const [call] = await bench.start([SPIN, { config: path }]);
    await pidIn(path);
    if (call !== undefined) bench.pool.kill([call.call]);
    await bench.pool.dispose();
    expect(await call?.told).toBe("killed");
  });

  test("what the function has started ends, too", async () => {
    const bench = createPoolBench();
    const path = join(testDirectory(), "mark");
    const fork = `const { spawn } = await process.getBuiltinModule("node:child_process");
      const child = spawn("sleep", ["1000"]);
      api.writeFile(config, String(child.pid));
      for (;;);`;
    const [call] = await bench.start([fork, { config: path }]);
    const pid = await pidIn(path);
    if (call !== undefined) bench.pool.kill([call.call]);
    await waitForEnd([pid]);
  });
});

describe("time", () => {
  test("a call past its limit fails, and those behind it go on", async () => {
    const bench = createPoolBench();
    const path = join(testDirectory(), "mark");
    const [late, other] = await bench.start(
      [SPIN, { lane: 1, config: path, timeLimitMs: 100 }],
      [QUICK, { lane: 1, timeLimitMs: 10_000 }],
    );
    expect(await late?.told).toEqual({
      failed: "The function exceeded its time limit of 100 ms",
      signal: "SIGKILL",
    });
    expect(await other?.told).toEqual({ value: "quick" });
  });

  test("the limit is for the call alone", async () => {
    const bench = createPoolBench();
    const slow = "await new Promise((r) => setTimeout(r, 15)); return [api.data(config)];";
    const told = await toldOf(
      await bench.start(
        ...Array.from({ length: 8 }, () => [slow, { lane: 1, timeLimitMs: 1000 }] as const),
      ),
    );
    expect(told).toEqual(told.map(() => ({ value: "" })));
  });

  test("calls behind one that takes long are given back", async () => {
    const bench = createPoolBench({ stallMs: 10 });
    const path = join(testDirectory(), "mark");
    const [waiting, ...others] = await bench.start(
      [WAIT, { lane: 1, config: path }],
      [QUICK, { lane: 1 }],
      [QUICK, { lane: 1 }],
    );
    expect(await toldOf(others)).toEqual(["postponed", "postponed"]);
    if (waiting !== undefined) bench.pool.kill([waiting.call]);
    await waitForEnd([await pidIn(path)]);
  });
});
