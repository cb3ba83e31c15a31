import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  createPythonFinder,
  lookForPython,
} from "../../../../src/worker/executors/functions/python-interpreter.ts";
import { testDirectory } from "../../support/test-store.ts";

type Bench = {
  readonly root: string;
  readonly logs: string[];
  /** A program in the place of a Python, which does what the shell text says. */
  install(path: string, text: string): string;
  find(python?: string, variables?: Readonly<Record<string, string>>): Promise<string>;
};

const GOOD = 'echo "3.9.1 2.0.0 5 /opt/python 3/bin/python3"';
const BROKEN = "echo \"ModuleNotFoundError: No module named 'cloudpickle'\" >&2; exit 1";

function createBench(): Bench {
  const root = testDirectory();
  const logs: string[] = [];
  mkdirSync(join(root, "bin"));
  return {
    root,
    logs,
    install(path, text) {
      const whole = join(root, path);
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, `#!/bin/sh\n${text}\n`);
      chmodSync(whole, 0o755);
      return whole;
    },
    find: async (python, variables = {}) => {
      const find = createPythonFinder({
        python,
        variables: { PATH: join(root, "bin"), ...variables },
        directory: join(root, "python"),
        log: (_, message, fields) => void logs.push(`${message} ${JSON.stringify(fields)}`),
      });
      return (await find()).command.file;
    },
  };
}

describe("the Python for functions", () => {
  test("is looked for in this order", async () => {
    const bench = createBench();
    const set = bench.install(".venv/bin/python3", GOOD);
    expect(await bench.find()).toBe(set);
    bench.install("bin/python3", GOOD);
    expect(await bench.find()).toBe("python3");
    const environment = join(bench.root, "environment");
    const active = bench.install("environment/bin/python3", GOOD);
    expect(await bench.find(undefined, { VIRTUAL_ENV: environment })).toBe(active);
    const named = bench.install("named", GOOD);
    const variables = { VIRTUAL_ENV: environment, HYPERLOOM_PYTHON: named };
    expect(await bench.find(undefined, variables)).toBe(named);
    const option = bench.install("option", GOOD);
    expect(await bench.find(option, variables)).toBe(option);
    expect(bench.logs.at(-1)).toBe(
      `runs Python functions ${JSON.stringify({
        python: option,
        source: "--python",
        version: "3.9.1, cloudpickle 2.0.0",
      })}`,
    );
  });

  test("is the first that works", async () => {
    const bench = createBench();
    const broken = bench.install("broken", BROKEN);
    bench.install("bin/python3", GOOD);
    expect(await bench.find(broken, { HYPERLOOM_PYTHON: "/no/such/python" })).toBe("python3");
  });

  test("is missed with all that was tried", async () => {
    const bench = createBench();
    bench.install("bin/python3", BROKEN);
    const variables = { HYPERLOOM_PYTHON: "/no/such/python", VIRTUAL_ENV: "/nowhere" };
    await expect(bench.find(undefined, variables)).rejects.toThrow(
      [
        "This worker has no Python for functions: none of these runs and imports cloudpickle.",
        "/no/such/python (HYPERLOOM_PYTHON): there is no such program",
        "/nowhere/bin/python3 (VIRTUAL_ENV): there is no such program",
        "python3 (PATH): ModuleNotFoundError: No module named 'cloudpickle'",
        "Install cloudpickle for one of them, or name another one by --python or HYPERLOOM_PYTHON.",
      ].join("\n"),
    );
  });

  test("finds our package before any other", async () => {
    const bench = createBench();
    bench.install("bin/python3", GOOD);
    const directory = join(bench.root, "python");
    const find = createPythonFinder({
      python: undefined,
      variables: { PATH: join(bench.root, "bin"), PYTHONPATH: "/theirs" },
      directory,
      log: () => {},
    });
    expect((await find()).command.env["PYTHONPATH"]).toBe(`${directory}:/theirs`);
  });

  test("is told with its versions, and looked for again while there is none", async () => {
    const bench = createBench();
    const find = createPythonFinder({
      python: join(bench.root, "named"),
      variables: { PATH: join(bench.root, "bin") },
      directory: join(bench.root, "python"),
      log: () => {},
    });
    expect(await lookForPython(find)).toEqual({
      kind: "missing",
      reason: expect.stringContaining("named (--python): there is no such program"),
    });
    bench.install("named", GOOD);
    const found = {
      kind: "found",
      interpreter: "/opt/python 3/bin/python3",
      versions: [
        { name: "python", version: "3.9.1" },
        { name: "cloudpickle", version: "2.0.0" },
        { name: "pickle-protocol", version: "5" },
      ],
    };
    expect(await lookForPython(find)).toEqual(found);
    bench.install("named", BROKEN);
    expect(await lookForPython(find)).toEqual(found);
  });

  test.each([
    ['echo "3.7.3 2.0.0 4 /usr/bin/python3"', "it is Python 3.7.3; functions need 3.9 or later"],
    ["echo hello", 'it told no versions but "hello\\n"'],
  ])("is none that does %s", async (text, reason) => {
    const bench = createBench();
    const path = bench.install("named", text);
    await expect(bench.find(path)).rejects.toThrow(`${path} (--python): ${reason}`);
  });
});
