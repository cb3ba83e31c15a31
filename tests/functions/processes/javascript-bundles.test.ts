import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Client, tasks } from "../../../src/client/index.ts";
import { runToEnd } from "../../cli/processes/programs.ts";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ workers: 1, cpus: 2 });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** Writes files into a directory of the test's own. */
async function write(directory: string, files: Readonly<Record<string, string>>): Promise<URL[]> {
  const root = join(cluster.scratch, directory);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return Object.keys(files).map((name) => pathToFileURL(join(root, name)));
}

type Answer = { answer(): string };
const ANSWER: Answer = { answer: () => "" };

async function ask(url: URL | undefined, external: string[] = []): Promise<string> {
  const { answer } = tasks.module(ANSWER, url ?? "", { external });
  return (await client.submit(answer()).gather()).toString();
}

test("two versions of a module run side by side", async () => {
  const [first] = await write("one", { "m.ts": "export const answer = (): string => 'one';" });
  const [second] = await write("two", { "m.ts": "export const answer = (): string => 'two';" });
  const one = tasks.module(ANSWER, first ?? "");
  const two = tasks.module(ANSWER, second ?? "");
  const calls = Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).answer());
  expect((await client.gather(client.submit(calls))).join("")).toBe("twoone".repeat(10));
});

test("packages come along, those of TypeScript and of CommonJS too", async () => {
  const [url] = await write("packages", {
    "m.ts":
      'import { one } from "es-one"; import two from "cjs-two"; import { three } from "./three.js";' +
      "export const answer = (): string => one + two + three;",
    "three.ts": "export const three: string = '3';",
    "node_modules/es-one/package.json": '{"name":"es-one","type":"module","main":"i.js"}',
    "node_modules/es-one/i.js": "export const one = '1';",
    "node_modules/cjs-two/package.json": '{"name":"cjs-two","main":"i.js"}',
    "node_modules/cjs-two/i.js":
      "module.exports = require('node:path').basename('/x/2') + require('./' + 'more');",
    "node_modules/cjs-two/more.js": "module.exports = '';",
  });
  expect(await ask(url)).toBe("123");
});

test("a native package stays out, with a notice, and is found where the worker runs", async () => {
  const files = {
    "m.ts": 'import { value } from "native-one"; export const answer = (): string => value;',
    "node_modules/native-one/package.json": '{"name":"native-one","main":"i.js","gypfile":true}',
    "node_modules/native-one/i.js": "exports.value = require('./build/' + 'add-on.node');",
  };
  const [url] = await write("native", files);
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  await expect(ask(url)).rejects.toThrow(/Cannot find package 'native-one'/);
  expect(warnings.mock.calls.flat().join()).toMatch(/m\.ts uses native-one.*installed where/);
  warnings.mockClear();
  await expect(ask(url, ["native-one"])).rejects.toThrow(/Cannot find package 'native-one'/);
  expect(warnings).not.toHaveBeenCalled();
  warnings.mockRestore();

  await using other = await startCluster({ workers: 0 });
  await write("worker", {
    "node_modules/native-one/package.json": '{"name":"native-one","main":"i.js"}',
    "node_modules/native-one/i.js": "exports.value = 'of the worker';",
  });
  await other.startWorker([], {}, join(cluster.scratch, "worker"));
  const own = await other.connect();
  const { answer } = tasks.module(ANSWER, url ?? "", { external: ["native-one"] });
  expect((await own.submit(answer()).gather()).toString()).toBe("of the worker");
});

test.each([
  [
    "a mistake in the source",
    { "m.ts": "export const = 1;" },
    /m\.ts.*m\.ts:1: Expected identifier/,
  ],
  [
    "an import of what is not there",
    { "m.ts": "\nimport 'nothing';" },
    /m\.ts:2: Could not resolve "nothing"/,
  ],
  [
    "an add-on of one's own",
    { "m.ts": "import './own.node';", "own.node": "" },
    /imports .*own\.node, an add-on/,
  ],
])("%s is named when a task is made", async (name, files, message) => {
  const [url] = await write(name, files as unknown as Record<string, string>);
  const { answer } = tasks.module(ANSWER, url ?? "");
  expect(() => answer()).toThrow(
    expect.objectContaining({
      code: "module-not-bundled",
      message: expect.stringMatching(message),
    }),
  );
});

test("a module that is another, or none, is refused", async () => {
  const [url] = await write("other", { "m.ts": "export const another = 1;" });
  const { answer } = tasks.module(ANSWER, url ?? "");
  expect(() => answer()).toThrow(/m\.ts has no function answer to export/);
  expect(() => tasks.module(ANSWER, "file:///nowhere/m.ts")).toThrow(/no file \/nowhere\/m\.ts/);
  expect(() => tasks.module(ANSWER, "./m.ts")).toThrow(
    /address of the module's file.*import\.meta/,
  );
});

test("a module that throws while it is loaded fails its tasks with its line", async () => {
  const [url] = await write("thrower", {
    "m.ts":
      "const table: null | number[] = null;\nexport const answer = () => 'x';\nthrow new Error('no license');",
  });
  for (let i = 0; i < 2; i++) {
    await expect(ask(url)).rejects.toThrow(/no license\n.*thrower\/m\.ts:3:7/s);
  }
});

test("a large module is sent as it is", async () => {
  const [url] = await write("large", {
    "m.ts": `const text = ${JSON.stringify("x".repeat(3_000_000))};\nexport const answer = () => String(text.length);`,
  });
  expect(await ask(url)).toBe("3000000");
});

test("the code is there again when the worker that had it is lost", async () => {
  await using own = await startCluster({ workers: 1 });
  const other = await own.connect();
  const [url] = await write("again", {
    "m.ts": `const text = ${JSON.stringify("x".repeat(200_000))};\nexport const answer = () => String(text.length);`,
  });
  const { answer } = tasks.module(ANSWER, url ?? "");
  expect((await other.submit(answer()).gather()).toString()).toBe("200000");
  own.workers[0]?.program.child.kill("SIGKILL");
  await own.startWorker();
  expect((await other.submit(answer()).gather()).toString()).toBe("200000");
});

test("a script of `hyperloom run` has its functions in a module beside it", async () => {
  const [script] = await write("script", {
    "main.ts": `import { Client, tasks } from "hyperloom";
import * as steps from "./steps.ts";
const { add } = tasks.module(steps, import.meta.resolve("./steps.ts"));
await using client = await Client.connect();
console.log(await client.submit(add(1, add(2, 3))).gather());
await client.submit(add(-1, 0)).gather().catch((error: Error) => console.log(error.message));
`,
    "steps.ts": `import { currentTask } from "hyperloom/worker";
export function add(a: number, b: number): number {
  if (a < 0) throw new RangeError(\`\${currentTask().label} wants more\`);
  return a + b;
}
`,
  });
  const { code, stdout, stderr } = await runToEnd("hyperloom", ["run", script?.pathname ?? ""]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(
    /^6\n.*RangeError: add wants more\n {4}at add \(.*script\/steps\.ts:3:20\)/s,
  );
});

test("compiled JavaScript runs without its sources", async () => {
  const [, main] = await write("compiled", {
    "steps.js": "export const add = (a, b) => a + b;",
    // What the compiler makes of a script: the text of the address stays as it was.
    "main.mjs": `import { Client, tasks } from "hyperloom";
import * as steps from "./steps.js";
const { add } = tasks.module(steps, import.meta.resolve("./steps.ts"));
await using client = await Client.connect();
console.log(await client.submit(add(1, 2)).gather());
`,
  });
  const { code, stdout } = await runToEnd("hyperloom", ["run", main?.pathname ?? ""]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "3\n" });
});
