import { constants } from "node:buffer";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, type Future, type Index, tasks, type Value } from "../../src/client/index.ts";
import type { CarriedResults } from "../../src/core/model/batches.ts";
import { CarriedList } from "../../src/core/model/carried-list.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { DATA_TYPE } from "../../src/core/model/symbols.ts";
import { encodeFrameHeader } from "../../src/protocol/client/frame.ts";
import { type FakeServer, type Peer, startFakeServer, until } from "./support/fake-server.ts";
import { arrayFrames, indexFrames } from "./support/payload.ts";

let server: FakeServer;
let client: Client;
/** Results that come with the notification, by the config of their tasks. */
const carried = new Map<string, CarriedResults>();
let directory: string;
let onPullEnded = (_id: number, _isComplete: boolean, _peer: Peer): void => {};
/** How FETCH of an id is answered; default: the id as text. */
const answers = new Map<number, (peer: Peer) => void>();

beforeEach(async () => {
  answers.clear();
  carried.clear();
  directory = await mkdtemp(join(tmpdir(), "hyperloom-client-"));
  server = await startFakeServer({
    onRequest(request, peer) {
      if (request.kind === "plan") {
        const { idBase, taskCount } = request.plan;
        for (let id = idBase; id < idBase + taskCount; id++) {
          if (!request.plan.isResult[id - idBase]) continue;
          const value = carried.get(configOf(request.plan, id - idBase));
          if (value === undefined) peer.send({ kind: "taskFinished", id });
          else peer.send({ kind: "resultsFinished", ids: Int32Array.of(id), carried: value });
        }
      } else if (request.kind === "fetch") {
        const answer = answers.get(request.id);
        if (answer !== undefined) answer(peer);
        else peer.sendData(request.id, DATA_TYPE.data, [Buffer.from(`${request.id}`)]);
      } else if (request.kind === "pullEnded") {
        onPullEnded(request.id, request.isComplete, peer);
      } else if (request.kind === "stats") {
        peer.send({ kind: "stats", workerCount: 2, dataObjectCount: 3 });
      }
    },
  });
  client = await Client.connect(server.address);
});

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function configOf({ bytes, configs }: Plan, row: number): string {
  const start = configs.starts[row] ?? 0;
  return Buffer.from(bytes.subarray(start, start + (configs.lengths[row] ?? 0))).toString();
}

/** The future of a task whose result is these frames, and comes unasked. */
function submitCarried<T extends Value>(type: number, frames: readonly Uint8Array[]): Future<T> {
  const list = new CarriedList();
  list.add(0, type, frames.length);
  for (const frame of frames) {
    list.append(encodeFrameHeader(frame.length));
    list.append(frame);
  }
  const config = `carried ${carried.size}`;
  carried.set(config, list.take() as CarriedResults);
  return client.submit(tasks.custom<T>("my/task", { config }));
}

const fetchedIds = (): number[] =>
  server.requests.flatMap((request) => (request.kind === "fetch" ? [request.id] : []));

function submitAnswered<T extends Value>(type: number, frames: readonly Uint8Array[]): Future<T> {
  const future = client.submit(tasks.custom<T>("my/task"));
  answers.set(future.id, (peer) => peer.sendData(future.id, type, frames));
  return future;
}

const releasedIds = (): number[] =>
  server.requests.flatMap((request) => {
    if (request.kind === "releaseMany") return [...request.ids];
    return request.kind === "release" ? [request.id] : [];
  });

test("a result that came with its notification is not asked for, however it is fetched", async () => {
  const raw = submitCarried<Buffer>(DATA_TYPE.data, [Buffer.from("Hello")]);
  const empty = submitCarried<Buffer>(DATA_TYPE.data, [Buffer.alloc(0)]);
  const list = submitCarried<Buffer[]>(
    DATA_TYPE.array,
    arrayFrames([Buffer.from("a"), Buffer.from("b")]),
  );
  expect((await client.fetch([raw, empty, raw])).map(String)).toEqual(["Hello", "", "Hello"]);
  expect((await list.fetch()).map(String)).toEqual(["a", "b"]);
  expect(await buffer(raw.stream())).toEqual(Buffer.from("Hello"));
  const path = join(directory, "result");
  await raw.gather({ to: path });
  expect(await readFile(path, "utf8")).toBe("Hello");
  expect(raw.released).toBe(true);
  await expect(raw.fetch()).rejects.toMatchObject({ code: "future-released" });
  expect(fetchedIds()).toEqual([]);
});

test("a result that came with its notification and makes no sense ends the connection", async () => {
  const broken = submitCarried<Buffer>(DATA_TYPE.array, [Buffer.from("abc")]);
  await expect(broken.fetch()).rejects.toMatchObject({ code: "protocol-broken" });
  expect(client.isClosed).toBe(true);
});

test("raw data arrives as a Buffer and stays until it is released", async () => {
  const future = submitAnswered<Buffer>(DATA_TYPE.data, [Buffer.from("Hello world!")]);
  expect(future.state).toBe("pending");
  expect((await future.fetch()).toString()).toBe("Hello world!");
  expect((await future.fetch()).toString()).toBe("Hello world!");
  expect(future.state).toBe("finished");
  expect((await future.gather()).toString()).toBe("Hello world!");
  expect(future.released).toBe(true);
  await until(() => releasedIds().length === 1);
  expect(releasedIds()).toEqual([future.id]);
  await expect(future.fetch()).rejects.toMatchObject({ code: "future-released" });
});

test("arrays arrive as arrays, an index as an array of Buffers", async () => {
  const value = [Buffer.from("a"), [Buffer.from("b"), []], Buffer.alloc(0)];
  const array = submitAnswered<Value[]>(DATA_TYPE.array, arrayFrames(value));
  const frames = indexFrames(Buffer.from("a\nb\n"), [0, 2, 4]);
  const index = submitAnswered<Index>(DATA_TYPE.index, frames);
  expect(await client.fetch([array, index])).toEqual([
    value,
    [Buffer.from("a\n"), Buffer.from("b\n")],
  ]);
});

test("large data arrives whole, in however small pieces", async () => {
  const bytes = Buffer.alloc(3_000_000, "0123456789");
  const future = client.submit(tasks.custom("my/task"));
  answers.set(future.id, (peer) => {
    peer.send({ kind: "data", id: future.id, dataType: DATA_TYPE.data, frameCount: 1 });
    const header = Buffer.alloc(8);
    header.writeUInt32LE(bytes.length);
    for (const byte of header) peer.socket.write(Buffer.of(byte));
    for (let at = 0; at < bytes.length; at += 77_777) {
      peer.socket.write(bytes.subarray(at, at + 77_777));
    }
  });
  expect((await future.fetch()).equals(bytes)).toBe(true);
});

test("what no Buffer can hold fails at once and names the other ways", async () => {
  const future = client.submit(tasks.custom("my/task"));
  answers.set(future.id, (peer) => {
    peer.send({ kind: "data", id: future.id, dataType: DATA_TYPE.data, frameCount: 1 });
    const header = Buffer.alloc(8);
    header.writeBigUInt64LE(BigInt(constants.MAX_LENGTH) + 1n);
    peer.socket.write(header);
  });
  await expect(future.fetch()).rejects.toMatchObject({
    code: "result-too-large",
    message: expect.stringMatching(/fetch\(\{ to.*stream\(\)/),
  });
});

test("goes on after a result of which one frame was too large to hold", async () => {
  const future = client.submit(tasks.custom("my/task"));
  const allocUnsafe = Buffer.allocUnsafe;
  Buffer.allocUnsafe = (sizeBytes) => {
    if (sizeBytes === 100_000) throw new RangeError("Array buffer allocation failed");
    return allocUnsafe(sizeBytes);
  };
  try {
    answers.set(future.id, (peer) =>
      peer.sendData(
        future.id,
        DATA_TYPE.array,
        arrayFrames([Buffer.alloc(100_000), Buffer.alloc(5)]),
      ),
    );
    await expect(future.fetch()).rejects.toMatchObject({ code: "result-too-large" });
  } finally {
    Buffer.allocUnsafe = allocUnsafe;
  }
  expect(await client.stats()).toEqual({ workers: 2, dataObjects: 3 });
});

test("collective calls keep order and duplicates, and fetch each result once", async () => {
  const [a, b] = client.submit([tasks.custom("my/a"), tasks.custom("my/b")]);
  await client.wait([b, a, b]);
  const values = await client.gather([b, a, b]);
  expect(values.map(String)).toEqual(["1", "0", "1"]);
  expect(server.requests.filter(({ kind }) => kind === "fetch")).toHaveLength(2);
  await until(() => releasedIds().length === 2);
  expect(releasedIds()).toEqual([1, 0]);
  expect([a.released, b.released]).toEqual([true, true]);
  expect((await client.gather(client.submit(tasks.custom("my/c")))).toString()).toBe("2");
  expect(await client.fetch([])).toEqual([]);
});

test("thousands of fetches at once are all answered", async () => {
  const futures = client.submit(Array.from({ length: 3000 }, () => tasks.custom("my/task")));
  const values = await client.fetch(futures);
  expect(values.map(String)).toEqual(futures.map(({ id }) => `${id}`));
});

test("a release after a fetch does not overtake it", async () => {
  const futures = client.submit(Array.from({ length: 600 }, () => tasks.custom("my/task")));
  await client.wait(futures);
  const fetches = futures.map((future) => future.fetch());
  client.release(futures);
  await Promise.all(fetches);
  await until(() => releasedIds().length === 600);
  const order = server.requests.map((request) =>
    request.kind === "fetch" || request.kind === "release" ? `${request.kind} ${request.id}` : "",
  );
  for (const { id } of futures) {
    expect(order.indexOf(`fetch ${id}`)).toBeLessThan(order.indexOf(`release ${id}`));
  }
});

test("fetches to a file of any content, and to a stream", async () => {
  const bytes = Buffer.alloc(5_000_000, "abc");
  const future = submitAnswered<Buffer>(DATA_TYPE.data, [bytes]);
  const path = join(directory, "result");
  await future.fetch({ to: path });
  expect((await readFile(path)).equals(bytes)).toBe(true);
  const through = new PassThrough();
  const [, received] = await Promise.all([future.fetch({ to: through }), buffer(through)]);
  expect(received.equals(bytes)).toBe(true);

  const empty = submitAnswered<Buffer>(DATA_TYPE.data, [Buffer.alloc(0)]);
  await empty.gather({ to: path });
  expect(await readFile(path, "utf8")).toBe("");
  expect(empty.released).toBe(true);
});

test("leaves the stream open for more if asked to", async () => {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  for (const text of ["one ", "two"]) {
    const future = submitAnswered<Buffer>(DATA_TYPE.data, [Buffer.from(text)]);
    await future.fetch({ to: sink, end: false });
  }
  expect(sink.writableEnded).toBe(false);
  expect(Buffer.concat(chunks).toString()).toBe("one two");
});

test("an array is not streamed, what it would have replaced stays, and the connection goes on", async () => {
  const future = submitAnswered<Buffer>(DATA_TYPE.array, arrayFrames([Buffer.alloc(300_000)]));
  const path = join(directory, "precious");
  await writeFile(path, "precious");
  await expect(future.fetch({ to: path })).rejects.toMatchObject({
    code: "result-not-raw",
    message: expect.stringContaining("loom/array"),
  });
  expect(await readFile(path, "utf8")).toBe("precious");
  expect(await client.stats()).toEqual({ workers: 2, dataObjects: 3 });
});

test("a file that cannot be written fails the fetch, and the connection goes on", async () => {
  const future = submitAnswered<Buffer>(DATA_TYPE.data, [Buffer.alloc(3_000_000)]);
  const path = join(directory, "missing", "result");
  await expect(future.fetch({ to: path })).rejects.toMatchObject({ code: "ENOENT" });
  expect(existsSync(path)).toBe(false);
  expect(await client.stats()).toEqual({ workers: 2, dataObjects: 3 });
});

test("a slow reader of a stream slows the server down", async () => {
  const frame = Buffer.alloc(64 * 1024 * 1024);
  const future = submitAnswered<Buffer>(DATA_TYPE.data, [frame]);
  const stream = future.stream();
  stream.once("readable", () => {});
  await once(stream, "readable");
  const socket = server.peers[0]?.socket;
  let unsentBytes = -1;
  // Nothing moves any more while nobody reads.
  await until(() => {
    const before = unsentBytes;
    unsentBytes = socket?.writableLength ?? 0;
    return unsentBytes === before && unsentBytes > 0;
  });
  expect(stream.readableLength).toBeLessThan(3 * 1024 * 1024);
  let receivedBytes = 0;
  for await (const chunk of stream) receivedBytes += (chunk as Buffer).length;
  expect(receivedBytes).toBe(frame.length);
});

test("a stream that is given up early does not hold up the connection", async () => {
  const future = submitAnswered<Buffer>(DATA_TYPE.data, [Buffer.alloc(20_000_000)]);
  for await (const chunk of future.stream()) {
    expect((chunk as Buffer).length).toBeGreaterThan(0);
    break;
  }
  expect(await client.stats()).toEqual({ workers: 2, dataObjects: 3 });
  const unread = future.stream();
  unread.destroy();
  expect((await future.fetch()).length).toBe(20_000_000);
});

test("an aborted fetch leaves the connection usable", async () => {
  const future = client.submit(tasks.custom("my/task"));
  await future.wait();
  const held: (() => void)[] = [];
  answers.set(future.id, (peer) => {
    held.push(() => peer.sendData(future.id, DATA_TYPE.data, [Buffer.from("late")]));
  });
  const controller = new AbortController();
  const reason = new Error("no time");
  const fetching = future.fetch({ signal: controller.signal });
  await until(() => held.length === 1);
  controller.abort(reason);
  await expect(fetching).rejects.toBe(reason);
  const again = future.fetch();
  await until(() => held.length === 2);
  for (const send of held) send();
  expect((await again).toString()).toBe("late");

  const path = join(directory, "result");
  await expect(future.fetch({ to: path, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const streaming = new AbortController();
  const stream = future.stream({ signal: streaming.signal });
  stream.resume();
  streaming.abort(reason);
  await expect(once(stream, "end")).rejects.toMatchObject({ name: "AbortError" });
});

test("an error about a fetch rejects that fetch alone", async () => {
  const [a, b] = client.submit([tasks.custom("my/a"), tasks.custom("my/b")]);
  answers.set(a.id, (peer) =>
    peer.send({ kind: "error", error: { id: a.id, message: "Invalid id: 0" } }),
  );
  await expect(a.fetch()).rejects.toMatchObject({
    code: "request-refused",
    message: expect.stringContaining("Invalid id: 0"),
  });
  expect((await b.fetch()).toString()).toBe("1");
});

test("bytes that are no result end the connection with a clear error", async () => {
  const future = submitAnswered<Buffer>(DATA_TYPE.array, [Buffer.alloc(3)]);
  await expect(future.fetch()).rejects.toMatchObject({ code: "protocol-broken" });
  expect(client.isClosed).toBe(true);
});

test("a large result that cannot be pulled from its worker comes from the server", async () => {
  expect(server.peers[0]?.register.capabilities).toContain("direct-data");
  const [value, streamed] = client.submit([tasks.const("value"), tasks.const("streamed")]);
  for (const { id } of [value, streamed]) {
    const location = { host: "127.0.0.1", port: 1, task: 8, attempt: 1, ticket: Buffer.from("t") };
    answers.set(id, (peer) => peer.send({ kind: "dataAt", id, location }));
  }
  onPullEnded = (id, isComplete, peer) => {
    expect(isComplete).toBe(false);
    peer.sendData(id, DATA_TYPE.data, [Buffer.from("by the server")]);
  };
  expect((await value.fetch()).toString()).toBe("by the server");
  expect((await buffer(streamed.stream())).toString()).toBe("by the server");
});
