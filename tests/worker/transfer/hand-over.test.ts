import { randomBytes } from "node:crypto";
import { linkSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dropObject, putObject } from "../../../src/worker/store/store.ts";
import { FILE_BYTES_MIN } from "../../../src/worker/store/value-id.ts";
import type { SharedFiles } from "../../../src/worker/transfer/hand-over.ts";
import { startHolder, startPuller, type TestHolder } from "../support/test-peers.ts";
import { createValue, shapeOf, testDirectory } from "../support/test-store.ts";

const LARGE = "L".repeat(FILE_BYTES_MIN + 3);

function createToken(): SharedFiles {
  const tokenPath = join(testDirectory(), "token");
  const token = randomBytes(16).toString("hex");
  writeFileSync(tokenPath, token);
  return { tokenPath, token };
}

/** Whether both stores have one file in common. */
function sharesFile(one: { directory: string; files(): string[] }, other: typeof one): boolean {
  const numbers = one.files().map((name) => statSync(join(one.directory, name)).ino);
  return other.files().some((name) => numbers.includes(statSync(join(other.directory, name)).ino));
}

async function hold(holder: TestHolder): Promise<void> {
  putObject(holder, 5, 1, await createValue(holder, ["s", LARGE, { index: [LARGE, "n"] }]));
}

describe("files are handed over to workers that see them", () => {
  test("a large leaf becomes a second name of the same file, and outlives the first", async () => {
    const holder = await startHolder(createToken());
    const other = startPuller(holder.port);
    await hold(holder);
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(sharesFile(holder, other)).toBe(true);
    expect(other.files()).toHaveLength(2);
    dropObject(holder, 5, 1);
    await holder.values.files.settled();
    expect(holder.files()).toEqual([]);
    const value = other.objects.get(5, 1);
    if (value === undefined) throw new Error("no object");
    expect(await shapeOf(other, value)).toEqual(["s", LARGE, { index: [LARGE, "n"] }]);
    for (const name of other.files()) {
      expect(statSync(join(other.directory, name)).mode & 0o777).toBe(0o444);
    }
    dropObject(other, 5, 1);
    await other.values.files.settled();
    expect(other.files()).toEqual([]);
  });

  test("a small part of a large file is sent as bytes", async () => {
    const holder = await startHolder(createToken());
    const other = startPuller(holder.port);
    const base = await createValue(holder, LARGE.repeat(3));
    putObject(holder, 5, 1, holder.values.createRange(base, 1, FILE_BYTES_MIN));
    holder.values.release(base);
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(sharesFile(holder, other)).toBe(false);
    expect(other.values.sizeBytes(other.objects.get(5, 1) ?? never())).toBe(FILE_BYTES_MIN);
  });

  test("a file of the user is copied", async () => {
    const holder = await startHolder(createToken());
    const other = startPuller(holder.port);
    const path = join(testDirectory(), "mine");
    writeFileSync(path, LARGE);
    putObject(holder, 5, 1, holder.values.createFile(path, LARGE.length, { isOwned: false }));
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(statSync(path).nlink).toBe(1);
    expect(other.files()).toHaveLength(1);
  });
});

describe("bytes are sent where files cannot be handed over", () => {
  test.each<[string, (shared: SharedFiles) => SharedFiles | undefined]>([
    ["the holder hands over none", () => undefined],
    ["the token is not there", (shared) => ({ ...shared, tokenPath: `${shared.tokenPath}-not` })],
    ["another file is there", (shared) => ({ ...shared, token: "something-else" })],
  ])("%s", async (_, change) => {
    const holder = await startHolder(change(createToken()));
    const other = startPuller(holder.port);
    await hold(holder);
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(sharesFile(holder, other)).toBe(false);
    expect(other.logs).toEqual([]);
  });

  test("the file cannot be linked", async () => {
    const holder = await startHolder(createToken());
    const other = startPuller(holder.port);
    await hold(holder);
    // The name that the link is to get is taken; the next ones are free.
    writeFileSync(join(other.directory, "1"), "");
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["5:1"]);
    expect(sharesFile(holder, other)).toBe(false);
    await other.values.files.settled();
    expect(other.files()).toHaveLength(2);
  });

  test("the directory is another worker's meanwhile", async () => {
    const shared = createToken();
    const holder = await startHolder(shared);
    const other = startPuller(holder.port);
    putObject(holder, 4, 1, holder.values.createBytes(Buffer.from("first")));
    other.fetch(1, [[4, 1]]);
    await expect.poll(() => other.fetched).toEqual(["4:1"]);
    // The proof has been given; then the place changes hands.
    unlinkSync(shared.tokenPath);
    const another = join(testDirectory(), "another");
    writeFileSync(another, "another");
    linkSync(another, shared.tokenPath);
    await hold(holder);
    other.fetch(1, [[5, 1]]);
    await expect.poll(() => other.fetched).toEqual(["4:1", "5:1"]);
    expect(sharesFile(holder, other)).toBe(false);
    await other.values.files.settled();
    expect(other.files()).toHaveLength(2);
  });
});

function never(): never {
  throw new Error("not reached");
}
