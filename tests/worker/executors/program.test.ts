import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeRunConfig, type RunConfig } from "../../../src/protocol/client/run-config.ts";
import {
  choosePinnedCpus,
  parseCpuList,
} from "../../../src/worker/executors/program/pinned-cpus.ts";
import { RunDirectories } from "../../../src/worker/executors/program/run-directories.ts";
import {
  type ProgramRunner,
  runProgram,
} from "../../../src/worker/executors/program/run-program.ts";
import { type Launcher, startLauncher } from "../../../src/worker/launcher/launcher.ts";
import type { Protection } from "../../../src/worker/launcher/program.ts";
import { createProcessWatch } from "../../../src/worker/memory/process-watch.ts";
import { FILE_BYTES_MIN, type ValueId } from "../../../src/worker/store/value-id.ts";
import { type Builds, createBuilds, removeBuilds } from "../launcher/builds.ts";
import {
  createValue,
  type Shape,
  shapeOf,
  testDirectory,
  testStore,
} from "../support/test-store.ts";

let builds: Builds;
beforeAll(async () => {
  builds = await createBuilds();
}, 60_000);
afterAll(() => removeBuilds(builds));

type Config = {
  readonly args: readonly (string | Buffer)[];
  readonly inputs?: readonly (readonly [string, Shape | ValueId])[];
  readonly outputs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly paths?: readonly string[];
  readonly timeLimitMs?: number;
  readonly cpus?: readonly number[];
};

type Bench = ReturnType<typeof testStore> & {
  readonly runner: ProgramRunner;
  readonly runDirectory: string;
  run(config: Config, signal?: AbortSignal): Promise<Shape>;
};

/** Data and run directory with a real launcher. Everything must be gone when a run has ended. */
async function createBench(
  options: { protection?: Protection; cpuIds?: number[] } = {},
): Promise<Bench> {
  const store = testStore();
  const runDirectory = testDirectory();
  const launcher = await startLauncher({
    dataDirectory: store.directory,
    compiledPath: builds.compiledPath,
    nodePath: builds.nodePath,
    onLog: () => {},
  });
  onTestFinished(() => launcher[Symbol.asyncDispose]());
  const { protection = launcher.protection, cpuIds = [] } = options;
  const watch = createProcessWatch(Number.POSITIVE_INFINITY, () => {});
  onTestFinished(watch.stop);
  const offered: Launcher = { ...launcher, protection };
  const runner: ProgramRunner = {
    values: store.values,
    launcher: async () => offered,
    directories: new RunDirectories(runDirectory, (message) => {
      throw new Error(message);
    }),
    watch,
    cpuIds,
    killGraceMs: 5_000,
  };
  const run: Bench["run"] = async (config, signal = new AbortController().signal) => {
    const { inputs = [], outputs = ["+out"], env = {}, paths = [], cpus = [] } = config;
    const ids: ValueId[] = [];
    for (const [, shape] of inputs) {
      ids.push(typeof shape === "number" ? shape : await createValue(store, shape));
    }
    const encoded: RunConfig = {
      args: config.args.map((arg) => Buffer.from(arg)),
      mapInputs: inputs.map(([name]) => Buffer.from(name)),
      mapOutputs: outputs.map((name) => Buffer.from(name)),
      env: Object.entries(env).map(([name, value]) => ({
        name: Buffer.from(name),
        value: Buffer.from(value),
      })),
      paths: paths.map((path) => Buffer.from(path)),
      timeLimitMs: config.timeLimitMs,
    };
    try {
      const task = { inputs: ids, config: encodeRunConfig(encoded), clientTask: 7, cpus };
      const value = await runProgram(runner, task, signal);
      const shape = await shapeOf(store, value);
      store.values.release(value);
      return shape;
    } finally {
      for (const [i, [, shape]] of inputs.entries()) {
        const id = ids[i];
        if (typeof shape !== "number" && id !== undefined) store.values.release(id);
      }
      await runner.directories.clear();
      expect(readdirSync(runDirectory)).toEqual([]);
    }
  };
  return { ...store, runner, runDirectory, run };
}

const sh = (script: string, ...args: string[]): string[] => ["/bin/sh", "-c", script, ...args];
const large = (text: string): string => text.repeat(Math.ceil(FILE_BYTES_MIN / text.length) + 3);

describe("the next program in a directory", () => {
  /** Both in one directory, if the first one leaves it as it was. */
  async function runTwo(bench: Bench, first: string[], second: string[]): Promise<Shape[]> {
    const shapes: Shape[] = [];
    for (const args of [first, second]) {
      const run = {
        args: args.map((arg) => Buffer.from(arg)),
        mapInputs: [],
        mapOutputs: [Buffer.from("+out")],
        env: [],
        paths: [],
        timeLimitMs: undefined,
      };
      const task = { inputs: [], config: encodeRunConfig(run), clientTask: 7, cpus: [] };
      const value = await runProgram(bench.runner, task, new AbortController().signal);
      shapes.push(await shapeOf(bench, value));
      bench.values.release(value);
    }
    await bench.runner.directories.clear();
    expect(readdirSync(bench.runDirectory)).toEqual([]);
    return shapes;
  }
  const textOf = (shape: Shape | undefined): string => String(shape);

  test("finds it as if it were new", async () => {
    const bench = await createBench();
    const [first, second] = await runTwo(
      bench,
      sh("pwd; echo some text that is long; echo noise >&2"),
      sh("pwd; cat +out +err | wc -c; ls"),
    );
    const [path, bytes, ...names] = textOf(second).trim().split("\n");
    expect(textOf(first).split("\n")[0]).toBe(path);
    // Its own output so far is the path.
    expect(Number(bytes)).toBe((path ?? "").length + 1);
    expect(names).toEqual(["+err", "+out"]);
  });

  test("has another one when the first left something", async () => {
    const bench = await createBench();
    const [, second] = await runTwo(bench, sh("mkdir -p a/b; touch c"), sh("ls -A"));
    expect(textOf(second)).toBe("+err\n+out\n");
  });

  test.each([
    ["a second name of", "ln +out ../kept"],
    ["a link in the place of", "cp +out ../kept; rm +out; ln -s ../kept +out"],
  ])("does not empty %s the first one's output", async (_, script) => {
    const bench = await createBench();
    const outside = testDirectory();
    const kept = join(outside, "kept");
    await runTwo(bench, sh(`echo precious; ${script.replaceAll("../kept", kept)}`), sh("true"));
    expect(readFileSync(kept, "utf8")).toBe("precious\n");
  });

  test("can write where the first one forbade it", async () => {
    const bench = await createBench();
    const [, second] = await runTwo(bench, sh("chmod 0 +out +err"), sh("echo fine; echo x >&2"));
    expect(textOf(second)).toBe("fine\n");
  });
});

describe("results", () => {
  test("stdin, stdout, files and variables", async () => {
    const { run, values } = await createBench();
    expect(await run({ args: ["cat"], inputs: [["+in", "from stdin"]] })).toBe("from stdin");
    expect(await run({ args: ["cat"] })).toBe("");
    expect(
      await run({
        args: sh("cat sub/a; cat b"),
        inputs: [
          ["sub/a", "A"],
          ["b", "B"],
        ],
      }),
    ).toBe("AB");
    expect(
      await run({
        args: ["printf", "%s|%s|%s", "$x", "$xy", "a$x"],
        inputs: [["$x", "one two"]],
      }),
    ).toBe("one two|$xy|a$x");
    expect(values.count).toBe(0);
  });

  test("bytes that are not UTF-8 arrive unchanged", async () => {
    const { run } = await createBench();
    const bytes = Buffer.from([0xff, 0xfe, 0x41]);
    const args = [...sh('printf %s "$0" "$1" | od -An -tx1'), bytes, "$v"];
    expect(await run({ args, inputs: [["$v", bytes]] })).toBe(" ff fe 41 ff fe 41\n");
  });

  test("no, one and several outputs", async () => {
    const { run, values } = await createBench();
    expect(await run({ args: ["echo", "lost"], outputs: [] })).toEqual([]);
    expect(await run({ args: sh("echo x >f"), outputs: ["f"] })).toBe("x\n");
    const args = sh("echo out; echo err >&2; mkdir d; echo 1 >d/1");
    expect(await run({ args, outputs: ["d/1", "+out", "+err", "d/1"] })).toEqual([
      "1\n",
      "out\n",
      "err\n",
      "1\n",
    ]);
    expect(values.count).toBe(0);
  });

  test("what is in the directory while the program runs", async () => {
    const { run } = await createBench();
    const inputs = [
      ["in1", "a"],
      ["+in", "b"],
      ["d/x", "c"],
    ] as const;
    expect(await run({ args: sh("ls -A") })).toBe("+err\n+out\n");
    expect(await run({ args: sh("ls -A >&2; cat +err"), inputs, outputs: ["+err"] })).toBe(
      "+err\n+in\nd\nin1\n",
    );
  });

  test("environment and paths", async () => {
    const { run } = await createBench();
    const directory = testDirectory();
    writeFileSync(join(directory, "loom-test-program"), "#!/bin/sh\necho found $COLOR $HOME", {
      mode: 0o755,
    });
    const env = { COLOR: "blue", HOME: "/nowhere" };
    expect(await run({ args: ["loom-test-program"], env, paths: [directory] })).toBe(
      "found blue /nowhere\n",
    );
  });

  test("a program runs on the cpus that it was given", async () => {
    const cpus = choosePinnedCpus(1, 1);
    const { run } = await createBench({ cpuIds: cpus });
    const found = await run({
      args: ["grep", "Cpus_allowed_list", "/proc/self/status"],
      cpus: [0],
    });
    expect(
      parseCpuList(
        String(found)
          .replace(/^.*:\s*/, "")
          .trim(),
      ),
    ).toEqual(cpus);
  });
});

describe("large data", () => {
  test("inputs are links to files that are not changed, outputs are moved", async () => {
    const bench = await createBench();
    const { run, values } = bench;
    const text = large("some text\n");
    expect((await run({ args: ["cat"], inputs: [["+in", text]] })) === text).toBe(true);
    const script = "test -L in && (echo changed >in) 2>/dev/null; cat in >copy";
    expect(
      (await run({ args: sh(script), inputs: [["in", text]], outputs: ["copy"] })) === text,
    ).toBe(true);
    const value = await createValue(bench, text);
    const input = [["in", value]] as const;
    expect((await run({ args: ["true"], inputs: input, outputs: ["in"] })) === text).toBe(true);
    const range = values.createRange(value, 10, FILE_BYTES_MIN);
    expect(await run({ args: sh("wc -c <in"), inputs: [["in", range]] })).toBe(
      `${FILE_BYTES_MIN}\n`,
    );
    values.release(range);
    values.release(value);
    await values.files.settled();
    expect(bench.files()).toEqual([]);
  });

  test("a user's file is never linked, however the program treats it", async () => {
    for (const protection of ["none", "permissions"] as const) {
      const bench = await createBench({ protection });
      const { run, values } = bench;
      for (const text of ["small", large("large")]) {
        const path = join(testDirectory(), "mine");
        writeFileSync(path, text);
        const value = values.createFile(path, text.length, { isOwned: false });
        const script = "readlink in; (echo changed >>in) 2>/dev/null; wc -c <in; rm in";
        for (const _ of [1, 2]) {
          const found = await run({ args: sh(script), inputs: [["in", value]] });
          expect(found).not.toContain(path);
        }
        expect(readFileSync(path, "utf8") === text).toBe(true);
        values.release(value);
        expect(statSync(path).size).toBe(text.length);
      }
    }
  });

  test("without protection inputs are copies", async () => {
    const { run } = await createBench({ protection: "none" });
    const inputs = [["in", large("x")]] as const;
    expect(await run({ args: sh("test -L in || echo copy; echo y >in; cat in"), inputs })).toBe(
      "copy\ny\n",
    );
  });

  test("an output that is a link elsewhere is copied", async () => {
    const { run } = await createBench();
    const path = join(testDirectory(), "theirs");
    for (const text of ["small", large("large")]) {
      writeFileSync(path, text);
      expect((await run({ args: ["ln", "-s", path, "o"], outputs: ["o"] })) === text).toBe(true);
      expect((await run({ args: ["ln", path, "o"], outputs: ["o"] })) === text).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o644);
    }
  });
});

describe("failures", () => {
  const failure = (message: unknown, more: object = {}): object => ({
    name: "TaskError",
    failure: expect.objectContaining({ message, ...more }),
  });

  test.each<[string, Config, unknown, object?]>([
    [
      "a status",
      { args: sh("echo why >&2; exit 3") },
      "Program terminated with status 3\nStderr:\nwhy\n",
      { exitCode: 3, stderr: "why\n" },
    ],
    [
      "a signal",
      { args: sh("kill -SEGV $$") },
      "Program terminated by signal SIGSEGV\nStderr:\n",
      { signal: "SIGSEGV" },
    ],
    ["no such program", { args: ["no-such-program"] }, expect.stringMatching(/no-such-program/)],
    ["no arguments", { args: [] }, "expected a program to run, got no arguments"],
    [
      "an array as a file",
      { args: ["true"], inputs: [["x", ["a"]]] },
      "expected raw data as input 0, got an array",
    ],
    [
      "a name that leaves",
      { args: ["true"], inputs: [["a/../../x", "a"]] },
      "Input name 'a/../../x' leaves the task's directory",
    ],
    [
      "an absolute name",
      { args: ["true"], inputs: [["/x", "a"]] },
      "Input name '/x' leaves the task's directory",
    ],
    ["no name", { args: ["true"], inputs: [["", "a"]] }, "Input name '' is not the name of a file"],
    [
      "a directory's name",
      { args: ["true"], outputs: ["x/"] },
      "Output name 'x/' is not the name of a file",
    ],
    [
      "an output that leaves",
      { args: ["true"], outputs: ["../x"] },
      "Output name '../x' leaves the task's directory",
    ],
    [
      "two of a name",
      {
        args: ["true"],
        inputs: [
          ["x", "a"],
          ["./x", "b"],
        ],
      },
      "Two inputs are named './x'",
    ],
    [
      "a file that is a directory",
      {
        args: ["true"],
        inputs: [
          ["x", "a"],
          ["x/y", "b"],
        ],
      },
      expect.stringMatching(/^Input 'x\/y' error: .*(ENOTDIR|EEXIST)/),
    ],
    [
      "NUL in an argument",
      { args: ["echo", "$x"], inputs: [["$x", "a\0b"]] },
      expect.stringMatching(/without NUL for the argument '\$x'/),
    ],
    [
      "a missing output",
      { args: sh("echo hm >&2"), outputs: ["x"] },
      "Output 'x' error: no such file or directory (ENOENT)\nStderr:\nhm\n",
    ],
    [
      "a directory as output",
      { args: ["mkdir", "x"], outputs: ["x"] },
      "Output 'x' error: it is a directory\nStderr:\n",
    ],
    [
      "a pipe as output",
      { args: ["mkfifo", "x"], outputs: ["x"] },
      "Output 'x' error: it is not a regular file\nStderr:\n",
    ],
    [
      "too slow",
      { args: ["sleep", "100"], timeLimitMs: 30 },
      expect.stringMatching(
        /^Program exceeded its time limit of 30 ms: it was sent SIGTERM, and ended [\d.]+ m?s later\. It ran for .*\nStderr:\n$/,
      ),
    ],
  ])("%s", async (_, config, message, more) => {
    const { run, values, files } = await createBench();
    await expect(run(config)).rejects.toMatchObject(failure(message, more));
    expect(values.count).toBe(0);
    expect(files()).toEqual([]);
  });

  test("stderr is cut at 128 KiB", async () => {
    const { run } = await createBench();
    const failed = await run({ args: sh("yes loud | head -c 500000 >&2; exit 1") }).catch((e) => e);
    const { stderr } = failed.failure;
    expect(stderr.length).toBeLessThan(128 * 1024 + 100);
    expect(stderr).toMatch(/loud\nlo\n\[stderr is cut here: 131072 of 500000 bytes\]$/);
  });

  test("a program that replaces its stderr does not hang the worker", async () => {
    const { run } = await createBench();
    const args = sh("rm +err; mkfifo +err; exit 1");
    await expect(run({ args })).rejects.toMatchObject(
      failure("Program terminated with status 1\nStderr:\n[stderr is no longer a regular file]"),
    );
  });

  test("whatever the program leaves behind is removed", async () => {
    const { run } = await createBench();
    const script =
      "mkdir -p a/b/c; echo x >a/b/c/d; chmod 0 a/b; chmod 0 a; touch '+x'; ln -s / root";
    expect(await run({ args: sh(script), outputs: [] })).toEqual([]);
  });

  test("a canceled program is killed with all that it started", async () => {
    const { run } = await createBench();
    const marker = join(testDirectory(), "pid");
    const aborting = new AbortController();
    const running = run({ args: sh(`sleep 1000 & echo $! >'${marker}'; wait`) }, aborting.signal);
    const pid = await expect
      .poll(() => readdirSync(join(marker, "..")).length && Number(readFileSync(marker, "utf8")))
      .toBeGreaterThan(0)
      .then(() => Number(readFileSync(marker, "utf8")));
    aborting.abort(new Error("canceled"));
    await expect(running).rejects.toThrow("canceled");
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

test("cpu lists of the system", () => {
  expect(parseCpuList("0-2,5,7-8")).toEqual([0, 1, 2, 5, 7, 8]);
  expect(choosePinnedCpus(100_000, 1)).toEqual([]);
});
