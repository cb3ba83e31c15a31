// Compiled, not run: calls of functions that must compile, with the type of what arrives, and others.
import {
  asJson,
  asLines,
  asText,
  type Client,
  type Future,
  type Index,
  type Items,
  type PythonObject,
  type Task,
  tasks,
} from "../../src/client/index.ts";
import * as steps from "../functions/modules/steps.ts";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function check<_Holds extends true>(): void {}

declare const client: Client;
declare const raw: Task<Buffer>;
declare const rawFuture: Future<Buffer>;
declare const index: Task<Index>;
declare const number: Task<number>;
declare const handle: PythonObject;
declare const python: Future<PythonObject>;

const { add, train, best, shout, countLines, reverse, pieces, echo, days, passOn, fail } =
  tasks.module(steps, import.meta.resolve("../functions/modules/steps.ts"));

export async function functions(): Promise<void> {
  const sum = add(1, number);
  check<Same<typeof sum, Task<number>>>();
  add(add(1, 2), client.submit(number));
  // @ts-expect-error one argument is missing
  add(1);
  // @ts-expect-error there is one too many
  add(1, 2, 3);
  // @ts-expect-error raw data is no number
  add(1, raw);
  // @ts-expect-error text is no number
  add("1", 2);

  const model = train(raw, 1);
  check<Same<typeof model, Task<steps.Model>>>();
  train(rawFuture, number);
  train(Buffer.from("x"), 1);
  train(tasks.slice(index, 0, 1), 1);
  // @ts-expect-error an index is not raw data
  train(index, 1);

  const models = [1, 2].map((fold) => train(raw, fold));
  const winner = best(models);
  check<Same<typeof winner, Task<steps.Model>>>();
  best([train(raw, 1), { name: "mine", weights: [1, number] }]);
  best(tasks.array(models));
  // @ts-expect-error a number is no model
  best([number]);
  // @ts-expect-error its weights are no text
  best([{ name: "mine", weights: [tasks.const("1")] }]);

  const loud = shout("a");
  check<Same<typeof loud, Task<Buffer>>>();
  shout(asText(loud));
  // @ts-expect-error raw data must be read as text
  shout(loud);
  const count = countLines(asLines(raw));
  check<Same<typeof count, Task<number>>>();
  countLines(["a", "b"], count);
  // @ts-expect-error text is no list of lines
  countLines(asText(raw));
  countLines(asJson<string[]>(raw));
  // @ts-expect-error only raw data can be read
  asText(count);

  const reversed = reverse(raw);
  check<Same<typeof reversed, Task<Buffer>>>();
  const cut = pieces(raw, 3);
  check<Same<typeof cut, Task<Buffer[]>>>();
  tasks.get(cut, 1);
  tasks.merge([reversed, loud]);
  // @ts-expect-error a value is not raw data
  tasks.merge([model]);
  // @ts-expect-error the items of a value cannot be had one by one
  tasks.get(echo([1, 2]), 0);

  const dated = days(new Map([["a", new Date(0)]]));
  check<Same<typeof dated, Task<Map<string, number>>>>();
  const handed = passOn(python);
  check<Same<typeof handed, Task<PythonObject>>>();
  passOn(handle);
  // @ts-expect-error raw data is no Python object
  passOn(raw);
  check<Same<ReturnType<typeof fail>, Task<never>>>();

  const mixed = tasks.array([model, raw]);
  check<Same<typeof mixed, Task<Items<[steps.Model, Buffer]>>>>();
  const first = tasks.get(mixed, 0);
  check<Same<typeof first, Task<steps.Model>>>();
  const each = tasks.array(models);
  check<Same<typeof each, Task<Items<steps.Model[]>>>>();
  const one = tasks.dget(each);
  check<Same<typeof one, Task<steps.Model>>>();
  const arrived = await client.submit(mixed).gather();
  const plain: readonly [steps.Model, Buffer] = arrived;
  check<typeof plain extends readonly unknown[] ? true : false>();

  const named = train.with({ label: "train: 1", resources: { cpus: 2 }, timeLimitMs: 1000 });
  check<Same<typeof named, typeof train>>();
  // @ts-expect-error no such option
  train.with({ lable: "train" });

  const all = tasks.module(steps, new URL("../functions/modules/steps.ts", import.meta.url));
  // @ts-expect-error a constant is no function
  all.VERSION;
  // @ts-expect-error a class is no function
  all.NotAFunction;
}

type PythonSteps = {
  learn(table: Buffer, depth: number): PythonObject;
  score(model: PythonObject): number;
};
const { learn, score } = tasks.pythonModule<PythonSteps>(new URL("file:///steps.py"));

export function pythonFunctions(): void {
  const model = learn(raw, number);
  check<Same<typeof model, Task<PythonObject>>>();
  const scored = score(model);
  check<Same<typeof scored, Task<number>>>();
  passOn(model);
  // @ts-expect-error raw data is no Python object
  score(raw);
  // @ts-expect-error it has no such function
  tasks.pythonModule<PythonSteps>("file:///steps.py").predict;
}
