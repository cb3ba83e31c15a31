import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TASK_TYPE } from "../../src/core/model/symbols.ts";
import type { WorkerPython } from "../../src/core/model/versions.ts";
import type { ClientResponse } from "../../src/protocol/client/client-response.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { connectRaw, type RawClient } from "./raw-client.ts";
import { type StubWorker, startStubWorker } from "./stub-worker.ts";

const NOTHING = new Uint8Array(0);

let server: Server;
let logged: string[];
let owned: { close(): void }[];

beforeEach(async () => {
  logged = [];
  owned = [];
  const log = (level: string, message: string, fields = {}): void =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  server = await startServer({ host: "127.0.0.1", port: 0, log });
});

afterEach(async () => {
  for (const thing of owned) thing.close();
  await server[Symbol.asyncDispose]();
});

const python = (version: string): WorkerPython => ({
  kind: "found",
  interpreter: "/usr/bin/python3",
  versions: [{ name: "python", version }],
});
const missing = (reason: string): WorkerPython => ({ kind: "missing", reason });

async function worker(dataPort: number): Promise<StubWorker> {
  const stub = startStubWorker(server.port, { dataPort });
  owned.push(stub);
  await stub.take("welcome");
  return stub;
}

/** Answers the server's next question. */
async function answer(stub: StubWorker, found: WorkerPython): Promise<void> {
  await stub.take("find-python");
  stub.send({ kind: "python-looked-for", python: found });
}

async function client(version?: string, capabilities = ["notices"]): Promise<RawClient> {
  const raw = connectRaw(server.port);
  owned.push(raw);
  const versions = version === undefined ? [] : [{ name: "python", version }];
  raw.registerAs({ capabilities, versions });
  expect((await raw.next()).kind).toBe("dictionary");
  return raw;
}

const call = (raw: RawClient, idBase = 0): void =>
  raw.plan((encoder) => {
    encoder.addTask(TASK_TYPE.pyValue, NOTHING, [], -1, false);
    encoder.addTask(TASK_TYPE.pyCall, NOTHING, [idBase], -1, true);
  }, idBase);

const notice = (text: RegExp): unknown => ({
  kind: "notice",
  error: { message: expect.stringMatching(text) },
});

/** What came before the answer to a request that is sent now. */
async function untilAnswered(raw: RawClient): Promise<ClientResponse[]> {
  raw.request({ kind: "stats" });
  const before: ClientResponse[] = [];
  for (;;) {
    const response = await raw.next();
    if (response.kind === "stats") return before;
    before.push(response);
  }
}

describe("a client whose Python is another one than a worker's", () => {
  test("is told with its first plan that calls functions, and once", async () => {
    const stub = await worker(9);
    const raw = await client("3.7.1");
    await answer(stub, python("3.11.2"));
    raw.plan((encoder) => encoder.addTask(TASK_TYPE.const, NOTHING, [], -1, false));
    expect(await untilAnswered(raw)).toEqual([]);
    call(raw, 10);
    expect(await raw.next()).toEqual(
      notice(/^Worker 127\.0\.0\.1:9: .*\/usr\/bin\/python3, Python 3\.11\.2.*has Python 3\.7\.1/),
    );
    call(raw, 20);
    expect(await untilAnswered(raw)).toEqual([]);
    const lines = logged.filter((line) => line.includes("do not fit"));
    expect(lines).toEqual([expect.stringMatching(/^warning .*127\.0\.0\.1:9: /)]);
  });

  test("is told when the worker answers after the plan came, or joins after it", async () => {
    const raw = await client("3.7.1");
    call(raw);
    expect(await untilAnswered(raw)).toEqual([]);
    const first = await worker(9);
    await answer(first, python("3.11.2"));
    expect(await raw.next()).toEqual(notice(/^Worker 127\.0\.0\.1:9: .*Python 3\.11\.2/));
    const second = await worker(10);
    await answer(second, python("3.12.1"));
    expect(await raw.next()).toEqual(notice(/^Worker 127\.0\.0\.1:10: .*Python 3\.12\.1/));
    const third = await worker(11);
    await answer(third, python("3.12.1"));
    await answer(await worker(12), python("3.13.1"));
    // Nothing was said of the third: what is wrong there is known.
    expect(await raw.next()).toEqual(notice(/^Worker 127\.0\.0\.1:12: .*Python 3\.13\.1/));
  });

  test("is told of all such workers at once", async () => {
    const stubs = await Promise.all([1, 2, 3, 4, 5, 6].map((port) => worker(port)));
    const raw = await client("3.7.1");
    call(raw);
    for (const stub of stubs.slice(1)) await answer(stub, python("3.11.2"));
    // The last one leaves without an answer.
    stubs[0]?.close();
    expect(await raw.next()).toEqual(
      notice(/^Workers (127\.0\.0\.1:\d, ){3}127\.0\.0\.1:\d and 1 more: .*Python 3\.11\.2/),
    );
  });

  test("hears nothing if it is an old one", async () => {
    const stub = await worker(9);
    const raw = await client("3.7.1", []);
    await answer(stub, python("3.11.2"));
    call(raw);
    expect(await untilAnswered(raw)).toEqual([]);
    expect(logged.join("\n")).toContain("do not fit");
  });
});

describe("a client that told no versions", () => {
  test("has no worker asked before it calls a function of Python, and is told where there is none", async () => {
    const stub = await worker(9);
    const raw = await client();
    expect(await untilAnswered(raw)).toEqual([]);
    expect(stub.received.map(({ kind }) => kind)).not.toContain("find-python");
    call(raw);
    await answer(stub, missing("No module named 'cloudpickle'"));
    expect(await raw.next()).toEqual(
      notice(/^Worker 127\.0\.0\.1:9: No module named 'cloudpickle'/),
    );
  });

  test("does not hear of versions", async () => {
    const stub = await worker(9);
    const raw = await client();
    call(raw);
    await answer(stub, python("3.11.2"));
    await answer(await worker(10), missing("none"));
    expect(await raw.next()).toEqual(notice(/^Worker 127\.0\.0\.1:10: none$/));
  });
});

test("a Python that was missing is asked for again when another client calls", async () => {
  const stub = await worker(9);
  const first = await client("3.11.2");
  call(first);
  await answer(stub, missing("none"));
  expect(await first.next()).toEqual(notice(/none$/));
  const second = await client("3.11.2");
  call(second);
  await answer(stub, python("3.11.4"));
  await answer(await worker(10), missing("none, too"));
  expect(await second.next()).toEqual(notice(/^Worker 127\.0\.0\.1:10: none, too$/));
});
