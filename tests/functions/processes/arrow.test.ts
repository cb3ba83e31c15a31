import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Table, tableFromIPC, tableToIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../src/client/functions/bundle.ts";
import {
  asBytes,
  asTable,
  type Client,
  type Items,
  type Task,
  tasks,
} from "../../../src/client/index.ts";
import { runToEnd } from "../../cli/processes/programs.ts";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import * as steps from "../modules/steps.ts";
import * as tables from "../modules/tables.ts";
import { countRows, makeTable, type Summary, summarize } from "../modules/tables.ts";
import * as typedTables from "../modules/typed-tables.ts";
import { PYTHON, runScript } from "./python/interpreter.ts";

// Without pyarrow in the Python of the tests these fail, and say so: `npm test` installs it.

type PythonTables = {
  make_table(rows: number): Table;
  make_batches(rows: number): Table;
  make_record_batch(): Table;
  summarize(table: Table): Summary;
  pass_on(table: Table): Table;
  pieces(table: Table, count: number): Table[];
  count_rows(tables: readonly Table[]): number[];
  kinds(view: Buffer, data: Buffer, table: Table): [string, string, string, boolean];
  allocated(table: Table): [number, number];
};

const moduleUrl = (name: string): URL => new URL(`../modules/${name}`, import.meta.url);
const script = tasks.module(tables, moduleUrl("tables.ts"));
const typed = tasks.module(typedTables, moduleUrl("typed-tables.ts"));
const python = tasks.pythonModule<PythonTables>(moduleUrl("tables.py"));
const plain = tasks.module(steps, moduleUrl("steps.ts"));

const ROWS = 200_000;

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ workers: 2, cpus: 2, workerArgs: ["--python", PYTHON] });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const run = <T>(task: Task<T>): Promise<T> => client.submit(task).gather();

/** What both languages are to find in a table of so many rows. */
function summaryOf(rows: number): Summary {
  const numbers = Array.from({ length: rows }, (_, i) => i);
  const everyNth = (n: number): number => Math.ceil(rows / n);
  const i = rows - 1;
  const last = [
    String(i),
    i % 3 === 0 ? null : `näme ${i}`,
    i % 5 === 0 ? null : (["red", "green"][i % 2] as string),
    i % 4 === 0 ? null : String(i / 2),
    String(2n ** 60n + BigInt(i)),
    String(i % 2 === 0),
  ];
  return {
    rows,
    columns: "id,name,color,score,big,even",
    nulls: [0, everyNth(3), everyNth(5), everyNth(4), 0, 0],
    scores: numbers.reduce((sum, n) => sum + (n % 4 === 0 ? 0 : n / 2), 0),
    last: rows === 0 ? [] : last,
  };
}

describe.each([0, 3, 1000, ROWS])("a table of %d rows", (rows) => {
  test.each<[string, (rows: number) => Task<Summary>]>([
    ["TypeScript to Python", (n) => python.summarize(script.makeTable(n))],
    ["Python to TypeScript", (n) => script.summarize(python.make_table(n))],
    ["Python to Python", (n) => python.summarize(python.make_table(n))],
    ["TypeScript to TypeScript", (n) => script.summarize(script.makeTable(n))],
    [
      "there and back",
      (n) => script.summarize(python.pass_on(script.passOn(python.make_table(n)))),
    ],
  ])("%s", async (_, make) => {
    expect(await run(make(rows))).toEqual(summaryOf(rows));
  });
});

test("a table in several batches, and a record batch", async () => {
  expect(await run(script.summarize(python.make_batches(1001)))).toEqual(summaryOf(1001));
  expect(await run(typed.countRows(python.make_record_batch()))).toBe(3);
});

test("lists of tables are arrays, whose items are tables", async () => {
  const byScript = script.pieces(python.make_table(10), 3);
  expect(await run(python.count_rows(byScript))).toEqual([4, 4, 2]);
  const byPython = python.pieces(script.makeTable(10), 3);
  expect(await run(script.countRows(byPython))).toEqual([4, 4, 2]);
  const one = tasks.get(byPython as Task<Items<Table[]>>, 2);
  expect(await run(typed.countRows(one))).toBe(2);
});

test("large columns are not copied", async () => {
  const table = python.make_table(ROWS);
  expect(await run(script.sharesMemory(table))).toBe(true);
  const [bytes, allocated] = await run(python.allocated(script.makeTable(ROWS)));
  expect(bytes).toBeGreaterThan(5_000_000);
  expect(allocated).toBeLessThan(bytes / 10);
});

test("whoever asks for bytes gets the stream", async () => {
  const table = script.makeTable(1000);
  expect(await run(python.kinds(table as never, table as never, table))).toEqual([
    "memoryview",
    "bytes",
    "Table",
    true,
  ]);
  const size = await run(script.sizeOf(asBytes(table)));
  const future = client.submit(table);
  const path = join(cluster.scratch, "table.arrows");
  await future.fetch({ to: path });
  const chunks = await future.stream().toArray();
  expect(Buffer.concat(chunks)).toHaveLength(size);
  expect(tableFromIPC(Buffer.concat(chunks)).numRows).toBe(1000);
  expect(await run(script.summarize(asTable(tasks.open(path))))).toEqual(summaryOf(1000));
  expect(await run(python.summarize(asTable(tasks.open(path))))).toEqual(summaryOf(1000));
});

describe("this client", () => {
  test("gathers tables that its program's apache-arrow can write", async () => {
    const [one, pieces] = await Promise.all([
      run(python.make_table(1000)),
      run(script.pieces(script.makeTable(7), 2)),
    ]);
    expect(summarize(tableFromIPC(tableToIPC(one)))).toEqual(summaryOf(1000));
    expect(countRows(pieces)).toEqual([4, 3]);
  });

  test("says how a table that it has becomes an argument", async () => {
    const table = makeTable(5);
    expect(() => script.summarize(table)).toThrow(/asTable\(tasks.const\(tableToIPC\(table\)\)\)/);
    const argument = asTable<Table>(tasks.const(tableToIPC(table)));
    expect(await run(script.summarize(argument))).toEqual(summaryOf(5));
  });
});

test("only modules that have to do with Arrow take it along", () => {
  const sizeOfBundle = (name: string): number =>
    bundleModule(fileURLToPath(moduleUrl(name)), []).code.length;
  expect(sizeOfBundle("typed-tables.ts")).toBeGreaterThan(200_000);
  expect(sizeOfBundle("steps.ts")).toBeLessThan(20_000);
});

test("a module without Arrow is told how to get it, and may pass tables on", async () => {
  const table = python.make_table(3) as unknown as Task<Buffer>;
  await expect(run(plain.reverse(table))).rejects.toThrow(
    /An input is an Arrow table, and the module of the function does not import apache-arrow/,
  );
  expect(await run(plain.reverse(asBytes(table)))).toBeInstanceOf(Buffer);
});

test("a table is no part of another value", async () => {
  await expect(run(script.hidden())).rejects.toThrow(/an Arrow table.*cannot be a part of a value/);
});

test("programs of Python return, take and gather tables", async () => {
  const result = await runScript<Record<string, unknown>>("tables.py", [cluster.port]);
  expect(result).toEqual({
    first: { n: [0, 1, 2], s: ["0", "1", "2"] },
    second: [300_000, 299_999, "299999"],
    described: "('Table', 300000, True, 0, True)",
    three: [{ n: [0, 1, 2], s: ["0", "1", "2"] }, { n: [1, 2], s: ["1", "2"] }, { a: [1.5, null] }],
    bytes: "True",
    missing: ["result-unreadable", expect.stringMatching(/pip install 'hyperloom\[arrow\]'/)],
  });
});

test("a worker without pyarrow says so", async () => {
  await using bare = await startCluster({ workers: 0 });
  const directory = join(bare.scratch, "shadow");
  await mkdir(directory);
  await writeFile(join(directory, "pyarrow.py"), "raise ImportError('no pyarrow')\n");
  await bare.startWorker(["--python", PYTHON], { PYTHONPATH: directory });
  const bareClient = await bare.connect();
  const task = python.make_table(3);
  await expect(bareClient.submit(task).gather()).rejects.toThrow(/no pyarrow/);
  const { pass_on } = tasks.pythonModule<PythonTables>(moduleUrl("steps.py"));
  await expect(bareClient.submit(pass_on(script.makeTable(3))).gather()).rejects.toThrow(
    /value is an Arrow table, and the Python of this worker \(.*python\) has no pyarrow.*pip install pyarrow/s,
  );
});

/** Runs a program in a directory of its own that gathers a table. */
async function gatherIn(directory: string, env: Record<string, string>): Promise<string> {
  const program = join(directory, "main.mjs");
  await writeFile(
    program,
    `import { Client, tasks } from "hyperloom";
const { make_table } = tasks.pythonModule(${JSON.stringify(moduleUrl("tables.py").href)});
await using client = await Client.connect("${cluster.address}");
const future = client.submit(make_table(3));
try {
  console.log(await future.gather());
} catch (error) {
  console.log(error.code, error.message);
  console.log((await future.stream().toArray()).length);
}
`,
  );
  const { stdout, stderr } = await runToEnd("hyperloom", ["run", program], { env });
  expect(stderr).toBe("");
  return stdout;
}

test("a program without apache-arrow is told what to install, and may have the bytes", async () => {
  const directory = join(cluster.scratch, "bare");
  await mkdir(directory);
  // This package lies in a checkout here that has it.
  const hooks = `export async function resolve(name, context, next) {
    if (name === "apache-arrow") throw new Error("no such package");
    return next(name, context);
  }`;
  const hide = `import { register } from "node:module";
    register("data:text/javascript,${encodeURIComponent(hooks)}");`;
  await writeFile(join(directory, "hide.mjs"), hide);
  const stdout = await gatherIn(directory, {
    NODE_OPTIONS: `--import ${join(directory, "hide.mjs")}`,
  });
  expect(stdout).toMatch(
    /^result-unreadable .*apache-arrow cannot be imported here: no such package.*'npm install apache-arrow'.*\n\d+\n$/,
  );
});

test("a program gets tables of the copy of apache-arrow that it imports itself", async () => {
  const directory = join(cluster.scratch, "own");
  const fake = join(directory, "node_modules/apache-arrow");
  await mkdir(fake, { recursive: true });
  await writeFile(
    join(fake, "package.json"),
    '{"name":"apache-arrow","exports":{"import":"./a.mjs","require":"./a.js"}}',
  );
  await writeFile(join(fake, "a.js"), "");
  await writeFile(join(fake, "a.mjs"), "export const tableFromIPC = () => 'of its own';");
  expect(await gatherIn(directory, {})).toBe("of its own\n");
});
