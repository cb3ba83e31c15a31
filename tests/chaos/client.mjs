// Submits plans with known results, one after the other, until standard input ends; then it ends
// with the plan that it is at. Arguments: the server's port, a seed. Prints a line for each plan.
import { strict as assert } from "node:assert";
import { Client, tasks } from "../../dist/bin/client.js";

const [port, seedText] = process.argv.slice(2);
let state = Number(seedText) >>> 0;
/** In [0, below): the 32-bit generator mulberry32. */
const draw = (below) => {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
};

let isLast = false;
process.stdin.on("end", () => {
  isLast = true;
});
process.stdin.resume();

/** Programs over parts, merged in a tree: many small attempts on several workers. */
function mapAndMerge() {
  const parts = Array.from({ length: 4 + draw(20) }, (_, i) => `part ${i} of ${draw(1000)}\n`);
  const upper = parts.map((part) =>
    tasks.run(`sh -c "sleep 0.0${1 + draw(8)}; tr a-z A-Z"`, { stdin: tasks.const(part) }),
  );
  let level = upper;
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 3) above.push(tasks.merge(level.slice(i, i + 3)));
    level = above;
  }
  return { task: level[0], expected: parts.join("").toUpperCase() };
}

/** A chain of programs and built-ins, each step of which needs the one before. */
function chain() {
  let task = tasks.const("x");
  let expected = "x";
  const length = 3 + draw(12);
  for (let i = 0; i < length; i += 1) {
    if (draw(2) === 0) task = tasks.run("cat", { stdin: task });
    else {
      task = tasks.merge([task, tasks.const("y")]);
      expected += "y";
    }
  }
  return { task, expected };
}

/** Hundreds of tasks that take no time, given ahead. */
function trivial() {
  const texts = Array.from({ length: 300 + draw(700) }, (_, i) => `${i},`);
  let level = texts.map((text) => tasks.const(text));
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 4) above.push(tasks.merge(level.slice(i, i + 4)));
    level = above;
  }
  return { task: level[0], expected: texts.join("") };
}

/** Data large enough for files and for transfers between workers. */
function large() {
  const megabytes = 2 + draw(6);
  const halves = [0, 1].map(() => tasks.run(`head -c ${megabytes}000000 /dev/zero`));
  const counted = tasks.run("wc -c", { stdin: tasks.merge(halves) });
  return { task: counted, expected: `${2 * megabytes}000000\n` };
}

/** Each item of what another task makes: the plan grows while it runs. */
function expansion() {
  const count = 2 + draw(12);
  const lines = Array.from({ length: count }, (_, i) => `line ${i}\n`);
  const index = tasks.split(tasks.const(lines.join("")));
  const each = tasks.run("rev", { stdin: tasks.dget(index) });
  const expected = lines.map((line) => `${[...line.trim()].reverse().join("")}\n`).join("");
  return { task: tasks.merge([each]), expected };
}

const KINDS = [mapAndMerge, mapAndMerge, chain, trivial, large, expansion];

const client = await Client.connect(`127.0.0.1:${port}`, { timeoutMs: 60_000, onNotice: () => {} });
let plans = 0;
while (!isLast) {
  const made = Array.from({ length: 1 + draw(3) }, () => KINDS[draw(KINDS.length)]());
  const futures = client.submit(made.map(({ task }) => task));
  const results = await client.gather(futures);
  for (const [i, { expected }] of made.entries()) {
    assert.equal(results[i].toString(), expected);
  }
  plans += 1;
  process.stdout.write(`plan ${plans}\n`);
}
await client.close();
