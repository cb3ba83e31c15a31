// Compiled, not run: wirings that must compile, with the type of what arrives, and wirings that must not.
import { type Client, type Future, type Index, type Task, tasks } from "../../src/client/index.ts";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function check<_Holds extends true>(): void {}

declare const client: Client;
declare const raw: Task<Buffer>;
declare const rawFuture: Future<Buffer>;
declare const index: Task<Index>;
declare const pair: Task<[Buffer, Buffer[]]>;
declare const list: Task<Buffer[]>;

export async function wiring(): Promise<void> {
  const made = tasks.array([raw, list, rawFuture]);
  check<Same<typeof made, Task<[Buffer, Buffer[], Buffer]>>>();
  const many = tasks.array([1, 2].map((n) => tasks.const(`${n}`)));
  check<Same<typeof many, Task<Buffer[]>>>();
  const none = tasks.array([]);
  check<Same<typeof none, Task<[]>>>();

  const first = tasks.get(pair, 0);
  check<Same<typeof first, Task<Buffer>>>();
  const second = tasks.get(pair, 1);
  check<Same<typeof second, Task<Buffer[]>>>();
  const any = tasks.get(list, Number("7"));
  check<Same<typeof any, Task<Buffer>>>();
  const piece = tasks.get(index, 3);
  check<Same<typeof piece, Task<Buffer>>>();
  // @ts-expect-error a pair has no third item
  tasks.get(pair, 2);
  // @ts-expect-error raw data has no items
  tasks.get(raw, 0);

  const range = tasks.slice(index, 0, 10);
  check<Same<typeof range, Task<Buffer>>>();
  const items = tasks.slice(list, 0, 10);
  check<Same<typeof items, Task<Buffer[]>>>();
  const mixed = tasks.slice(pair, 0, 2);
  check<Same<typeof mixed, Task<(Buffer | Buffer[])[]>>>();
  // @ts-expect-error raw data has no items
  tasks.slice(raw, 0, 1);

  tasks.merge([raw, rawFuture, tasks.get(list, 0), tasks.slice(index, 1, 2)]);
  // @ts-expect-error an array is not raw data
  tasks.merge([list]);
  // @ts-expect-error an index is not raw data
  tasks.merge([index]);
  // @ts-expect-error a list of inputs, not one
  tasks.merge(raw);
  // @ts-expect-error a string is no task
  tasks.merge(["text"]);

  // @ts-expect-error only raw data can be split
  tasks.split(index);
  // @ts-expect-error only raw data can be saved
  tasks.save(list, "/tmp/list");
  // @ts-expect-error a path is text
  tasks.open(7);
  check<Same<ReturnType<typeof tasks.split>, Task<Index>>>();

  const stdout = tasks.run("sort -u", { stdin: raw });
  check<Same<typeof stdout, Task<Buffer>>>();
  const file = tasks.run(["convert", "a", "b"], { inputs: { a: raw }, outputs: "b" });
  check<Same<typeof file, Task<Buffer>>>();
  const single = tasks.run("make", { outputs: ["b"] });
  check<Same<typeof single, Task<Buffer>>>();
  const both = tasks.run("make", { outputs: [tasks.stdout, "b"] });
  check<Same<typeof both, Task<[Buffer, Buffer]>>>();
  const nothing = tasks.run("make", { outputs: [] });
  check<Same<typeof nothing, Task<[]>>>();
  const unknown = tasks.run("make", { outputs: ["a", "b"].map((name) => `${name}.txt`) });
  check<Same<typeof unknown, Task<Buffer | Buffer[]>>>();
  tasks.run(["grep", rawFuture, "-f", raw]);
  // @ts-expect-error a program reads raw data
  tasks.run("sort", { stdin: index });
  // @ts-expect-error files are raw data
  tasks.run("sort", { inputs: { words: list } });
  // @ts-expect-error an amount is a number
  tasks.run("sort", { resources: { cpus: "2" } });
  // @ts-expect-error no such option
  tasks.run("sort", { stdn: raw });

  const counted = tasks.custom<Buffer[]>("my/count", { inputs: [raw, pair], config: "x" });
  check<Same<typeof counted, Task<Buffer[]>>>();
  tasks.merge([tasks.custom("my/join", { inputs: [list] })]);

  const future = client.submit(pair);
  check<Same<typeof future, Future<[Buffer, Buffer[]]>>>();
  const futures = client.submit([raw, index, pair]);
  check<Same<typeof futures, [Future<Buffer>, Future<Index>, Future<[Buffer, Buffer[]]>]>>();
  const lists = client.submit([raw].concat(raw));
  check<Same<typeof lists, Future<Buffer>[]>>();
  // @ts-expect-error a future was submitted already
  client.submit(rawFuture);

  const values = await client.gather(futures);
  check<Same<typeof values, [Buffer, Index, [Buffer, Buffer[]]]>>();
  const buffers: Buffer[] = values[1];
  const fetched = await future.fetch();
  check<Same<typeof fetched, [Buffer, Buffer[]]>>();
  const value = await rawFuture.gather();
  check<Same<typeof value, Buffer>>();
  await rawFuture.fetch({ to: "/tmp/result" });
  rawFuture.stream();
  // @ts-expect-error only raw data can go to a file
  await future.fetch({ to: "/tmp/result" });
  // @ts-expect-error only raw data can be streamed
  future.stream();
  // @ts-expect-error a list of Buffers is not an index
  tasks.slice(list, 0, 1) satisfies Task<Buffer>;
  // @ts-expect-error an array that arrived is no index to slice
  const fake: Index = buffers;
  await client.wait([fake].length > 0 ? futures : future);

  for await (const done of client.asCompleted(futures)) {
    check<Same<typeof done, (typeof futures)[number]>>();
  }
}
