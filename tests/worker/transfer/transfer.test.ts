import { createHash, randomBytes } from "node:crypto";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeFromPuller } from "../../../src/protocol/peer/codec.ts";
import {
  FORMAT_CLIENT_FRAMES,
  PEER_PROTOCOL_VERSION,
} from "../../../src/protocol/peer/messages.ts";
import { openPullConnection, type PullAnswer } from "../../../src/transport/pull-connection.ts";
import {
  createProofKey,
  membershipStatement,
  proveKey,
} from "../../../src/transport/security/connection-proof.ts";
import { endsOf } from "../../../src/transport/tcp-connection.ts";
import { copyValue } from "../../../src/worker/store/read-value.ts";
import { dropObject, putObject, type Store } from "../../../src/worker/store/store.ts";
import { FILE_BYTES_MIN, type ValueId } from "../../../src/worker/store/value-id.ts";
import { MEMBER_KEY, SERVER_ID, startHolder, startPuller } from "../support/test-peers.ts";
import { createValue, type Shape, shapeOf, testDirectory } from "../support/test-store.ts";

const get = (store: Store, task: number, attempt = 1): ValueId => {
  const value = store.objects.get(task, attempt);
  if (value === undefined) throw new Error(`no object ${task}:${attempt}`);
  return value;
};

describe("objects move between workers", () => {
  test.each<[string, Shape]>([
    ["nothing", ""],
    ["a small text", "Hello"],
    ["an empty array", []],
    ["a nested array", [["a", []], "b", [["c"]]]],
    ["an index", { index: ["a\n", "bc\n", "d"] }],
    ["an empty index", { index: [] }],
    ["an array of everything", [{ index: ["x", "", "y"] }, ["z", ""], "w"]],
    [
      "large and small",
      ["s", "L".repeat(FILE_BYTES_MIN + 1), { index: ["M".repeat(2_000_000), "n"] }],
    ],
  ])("%s", async (_, shape) => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    putObject(holder, 5, 1, await createValue(holder, shape));
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(await shapeOf(other, get(other, 5))).toEqual(shape);
    dropObject(other, 5, 1);
    dropObject(holder, 5, 1);
    expect([other.values.count, holder.values.count]).toEqual([0, 0]);
    await other.values.files.settled();
    expect(other.files()).toEqual([]);
  });

  test("an item that is there twice is sent once", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    const { values } = holder;
    let value = values.createBytes(Buffer.from("ab"));
    for (let i = 0; i < 40; i++) {
      const outer = values.createArray(Uint32Array.of(value, value));
      values.release(value);
      value = outer;
    }
    putObject(holder, 1, 1, value);
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched).toEqual(["1:1"]);
    expect(other.values.count).toBe(41);
    expect(other.values.sizeBytes(get(other, 1))).toBe(2 ** 41);
  });

  test("an array nested 100,000 deep", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    const { values } = holder;
    let value = values.createBytes(Buffer.from("core"));
    for (let depth = 0; depth < 100_000; depth++) {
      const outer = values.createArray(Uint32Array.of(value));
      values.release(value);
      value = outer;
    }
    putObject(holder, 1, 1, value);
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched, { timeout: 20_000 }).toEqual(["1:1"]);
    expect(other.values.count).toBe(100_001);
    dropObject(other, 1, 1);
    expect(other.values.count).toBe(0);
  }, 30_000);

  test("10,000 small objects in one request, answered in order", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    const refs = Array.from({ length: 10_000 }, (_, i) => [i, 1 + (i % 3)] as const);
    for (const [task, attempt] of refs) {
      putObject(holder, task, attempt, holder.values.createBytes(Buffer.from(`#${task}`)));
    }
    other.fetch(1, refs);
    await expect.poll(() => other.fetched.length).toBe(10_000);
    expect(other.fetched).toEqual(refs.map((ref) => ref.join(":")));
    expect(await shapeOf(other, get(other, 777, 1))).toBe("#777");
  });

  test("an opened file of the user is data for others", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    const path = join(testDirectory(), "mine");
    writeFileSync(path, "my content");
    putObject(holder, 1, 1, holder.values.createFile(path, 10, { isOwned: false }));
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched).toEqual(["1:1"]);
    expect(await shapeOf(other, get(other, 1))).toBe("my content");
    rmSync(path);
    putObject(holder, 2, 1, holder.values.createFile(path, 10, { isOwned: false }));
    putObject(holder, 3, 1, holder.values.createBytes(Buffer.from("still served")));
    other.fetch(1, [
      [2, 1],
      [3, 1],
    ]);
    await expect.poll(() => other.fetched).toEqual(["1:1", "3:1"]);
    expect(other.failed).toEqual(["2:1"]);
    expect(other.logs.join()).toContain("no such file or directory");
  });

  test("100 MB pass through, in little memory", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    const sizeBytes = 100_000_000;
    const block = randomBytes(1_000_000);
    const path = join(testDirectory(), "large");
    for (let i = 0; i < 100; i++) writeFileSync(path, block, { flag: "a" });
    putObject(holder, 1, 1, holder.values.createFile(path, sizeBytes, { isOwned: false }));
    const beforeBytes = process.memoryUsage().rss;
    let peakBytes = beforeBytes;
    const sampler = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
    }, 5);
    onTestFinished(() => clearInterval(sampler));
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched, { timeout: 20_000 }).toEqual(["1:1"]);
    expect(peakBytes - beforeBytes).toBeLessThan(64 * 1024 * 1024);
    const hash = createHash("sha256");
    await copyValue(other.values, get(other, 1), (chunk) => {
      hash.update(chunk);
      return undefined;
    });
    const wanted = createHash("sha256");
    for (let i = 0; i < 100; i++) wanted.update(block);
    expect(hash.digest("hex")).toBe(wanted.digest("hex"));
    expect(statSync(join(other.directory, other.files()[0] ?? "")).mode & 0o777).toBe(0o444);
  }, 30_000);
});

describe("what goes wrong", () => {
  test("an object that the holder does not have fails alone", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    putObject(holder, 2, 1, holder.values.createBytes(Buffer.from("b")));
    other.fetch(1, [
      [1, 1],
      [2, 1],
      [2, 2],
    ]);
    await expect.poll(() => other.failed).toEqual(["1:1", "2:2"]);
    await expect.poll(() => other.fetched).toEqual(["2:1"]);
  });

  test("a holder that dies fails what was asked of it, and leaves no file", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    putObject(holder, 1, 1, await createValue(holder, Buffer.alloc(200_000_000)));
    putObject(holder, 2, 1, holder.values.createBytes(Buffer.from("b")));
    other.fetch(1, [
      [1, 1],
      [2, 1],
    ]);
    await expect.poll(() => other.files().length, { interval: 1 }).toBe(1);
    await holder.close();
    await expect.poll(() => other.failed).toEqual(["1:1", "2:1"]);
    await expect.poll(() => other.files()).toEqual([]);
    expect(other.values.count).toBe(0);
  });

  test("a worker that is not there, or not known", async () => {
    const holder = await startHolder();
    await holder.close();
    const other = startPuller(holder.port);
    other.fetch(1, [[1, 1]]);
    other.fetch(9, [[2, 1]]);
    await expect.poll(() => other.failed).toEqual(["2:1", "1:1"]);
  });

  test("a puller of another server is refused", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port, "another-server");
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.failed).toEqual(["1:1"]);
    expect(other.logs.join()).toContain("this worker belongs to another server");
  });

  test("an abandoned fetch is not told, and leaves nothing", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    putObject(holder, 1, 1, await createValue(holder, Buffer.alloc(50_000_000)));
    putObject(holder, 2, 1, holder.values.createBytes(Buffer.from("b")));
    putObject(holder, 3, 1, holder.values.createBytes(Buffer.from("c")));
    other.fetch(1, [
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    await expect.poll(() => other.files().length, { interval: 1 }).toBe(1);
    other.puller.abandon({ tasks: Uint32Array.of(1, 2), attempts: Uint32Array.of(1, 1) });
    await expect.poll(() => other.fetched).toEqual(["3:1"]);
    expect(other.failed).toEqual([]);
    await expect.poll(() => other.files()).toEqual([]);
    expect(other.values.count).toBe(1);
  });

  test("a lost peer is forgotten without a word, and may come back", async () => {
    const holder = await startHolder();
    const other = startPuller(holder.port);
    putObject(holder, 1, 1, holder.values.createBytes(Buffer.from("a")));
    other.fetch(1, [[1, 1]]);
    other.puller.removePeer(1);
    other.puller.addPeer({ workerId: 1, host: "127.0.0.1", port: holder.port });
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched).toEqual(["1:1"]);
    expect(other.failed).toEqual([]);
  });

  test("hostile bytes end their connection and nothing else", async () => {
    const holder = await startHolder();
    const helloOn = (socket: Socket, memberKey = MEMBER_KEY): Uint8Array =>
      encodeFromPuller({
        kind: "hello",
        serverId: SERVER_ID,
        version: PEER_PROTOCOL_VERSION,
        workerId: 2,
        port: 1,
        proof: proveKey(memberKey, endsOf(socket), membershipStatement(SERVER_ID, 2)),
      });
    const unknown = Buffer.from([8, 0, 0, 0, 99, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const attacks: ((socket: Socket) => Uint8Array)[] = [
      () => Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      () => Buffer.alloc(100, 0xff),
      (socket) => Buffer.concat([helloOn(socket), helloOn(socket)]),
      (socket) => Buffer.concat([helloOn(socket), unknown]),
      () => encodeFromPuller({ kind: "cancel", requestId: 1 }),
      // Whoever has heard the server's id, but has not the secret of its workers.
      (socket) => helloOn(socket, createProofKey()),
    ];
    for (const attack of attacks) {
      const socket = connect(holder.port, "127.0.0.1");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => {}).resume();
      socket.once("connect", () => socket.write(attack(socket)));
      await closed;
    }
    expect(holder.logs).toHaveLength(attacks.length);
    const other = startPuller(holder.port);
    putObject(holder, 1, 1, holder.values.createBytes(Buffer.from("alive")));
    other.fetch(1, [[1, 1]]);
    await expect.poll(() => other.fetched).toEqual(["1:1"]);
  });
});

describe("client frames", () => {
  /** What a client would be sent, from a byte on. */
  async function pullFrames(
    port: number,
    fromBytes: number,
  ): Promise<{ answer: PullAnswer; bytes: Buffer }> {
    const chunks: Buffer[] = [];
    return new Promise((resolve, reject) => {
      let answer: PullAnswer | undefined;
      const connection = openPullConnection(
        { host: "127.0.0.1", port, identity: { serverId: SERVER_ID, memberKey: MEMBER_KEY } },
        {
          onAnswer: (found) => {
            answer = found;
          },
          onPayload: (bytes) => {
            chunks.push(Buffer.from(bytes));
            return undefined;
          },
          onObjectEnd: () => {
            connection.destroy();
            if (answer !== undefined) resolve({ answer, bytes: Buffer.concat(chunks) });
          },
          onClose: (reason) => reject(new Error(reason)),
        },
      );
      connection.pull([
        { requestId: 1, task: 1, attempt: 1, format: FORMAT_CLIENT_FRAMES, fromBytes },
      ]);
    });
  }

  const u64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
  };
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const frame = (...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    return Buffer.concat([u64(body.length), body]);
  };

  test.each<[string, Shape, number, Buffer]>([
    ["raw", "Hello", 1, frame(Buffer.from("Hello"))],
    ["empty", "", 1, frame()],
    [
      "array",
      ["a", ["bc"]],
      4,
      Buffer.concat([
        frame(u32(16), u32(17)),
        frame(Buffer.from("a")),
        frame(u32(16)),
        frame(Buffer.from("bc")),
      ]),
    ],
    [
      "index",
      { index: ["a\n", "b"] },
      2,
      Buffer.concat([frame(u32(16), u64(0), u64(2), u64(3)), frame(Buffer.from("a\nb"))]),
    ],
  ])("%s, whole and from any byte on", async (_, shape, messageCount, wanted) => {
    const holder = await startHolder();
    putObject(holder, 1, 1, await createValue(holder, shape));
    for (let fromBytes = 0; fromBytes <= wanted.length; fromBytes++) {
      const { answer, bytes } = await pullFrames(holder.port, fromBytes);
      expect(answer).toMatchObject({
        kind: "object-frames",
        messageCount,
        payloadBytes: wanted.length - fromBytes,
        typeId: holder.values.dataType(get(holder, 1)),
      });
      expect(bytes).toEqual(wanted.subarray(fromBytes));
    }
  });

  test("a large object continues in the middle", async () => {
    const holder = await startHolder();
    const text = "0123456789".repeat(500_000);
    putObject(holder, 1, 1, await createValue(holder, text));
    const { bytes } = await pullFrames(holder.port, 8 + 3_000_003);
    expect(bytes.toString() === text.slice(3_000_003)).toBe(true);
  });
});
