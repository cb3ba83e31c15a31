import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TaskLogs } from "../../src/worker/logs/task-logs.ts";
import { HEAD_BYTES, TAIL_BYTES, TextLog } from "../../src/worker/logs/text-log.ts";
import { testDirectory } from "./support/test-store.ts";

/** All of it, and how much was left out. */
function readAll(
  read: (position: number) => {
    bytes: Uint8Array;
    next: number;
    skippedBytes: number;
    isEnd: boolean;
  },
) {
  let text = "";
  let skippedBytes = 0;
  for (let position = 0; ; ) {
    const part = read(position);
    text += Buffer.from(part.bytes).toString();
    skippedBytes += part.skippedBytes;
    position = part.next;
    if (part.isEnd || part.bytes.length === 0) return { text, skippedBytes, isEnd: part.isEnd };
  }
}

describe("the log of a task", () => {
  test("of what a function prints is there while it runs, and after its end", () => {
    const kept: string[] = [];
    const logs = new TaskLogs((task, attempt) => kept.push(`${task}/${attempt}`));
    logs.append(1, 1, "stdout", "one");
    logs.append(1, 1, "stderr", "oh");
    const running = readAll((position) => logs.read(1, 1, "stdout", position, true));
    expect(running).toEqual({ text: "one\n", skippedBytes: 0, isEnd: false });
    logs.append(1, 1, "stdout", "two");
    logs.end(1, 1);
    expect(kept).toEqual(["1/1"]);
    const ended = readAll((position) => logs.read(1, 1, "stdout", position, false));
    expect(ended).toEqual({ text: "one\ntwo\n", skippedBytes: 0, isEnd: true });
    expect(readAll((position) => logs.read(1, 1, "stderr", position, false)).text).toBe("oh\n");
    logs.forget(1, 1);
    expect(readAll((position) => logs.read(1, 1, "stdout", position, false)).text).toBe("");
  });

  test("of what writes nothing is nothing", () => {
    const kept: number[] = [];
    const logs = new TaskLogs((task) => kept.push(task));
    logs.end(1, 1);
    const directory = testDirectory();
    writeFileSync(join(directory, "+err"), "");
    logs.beginFiles(2, 1, { stderr: join(directory, "+err") });
    logs.endFiles(2, 1, ["stderr"]);
    expect(kept).toEqual([]);
    expect(logs.read(1, 1, "stdout", 0, false)).toMatchObject({ isEnd: true, next: 0 });
  });

  test("of a program is in its files, then its beginning and its end", () => {
    const logs = new TaskLogs(() => {});
    const directory = testDirectory();
    const path = join(directory, "+err");
    logs.beginFiles(1, 1, { stderr: path });
    // It has not begun to write.
    expect(logs.read(1, 1, "stderr", 0, true)).toMatchObject({ next: 0, isEnd: false });
    const text = `${"a".repeat(300_000)}${"z".repeat(300_000)}`;
    writeFileSync(path, text);
    const whole = readAll((position) => logs.read(1, 1, "stderr", position, true));
    expect(whole.text).toBe(text);
    logs.endFiles(1, 1, ["stderr"]);
    rmSync(path);
    const ends = readAll((position) => logs.read(1, 1, "stderr", position, false));
    expect(ends.text).toBe(`${"a".repeat(HEAD_BYTES)}${"z".repeat(TAIL_BYTES)}`);
    expect(ends.skippedBytes).toBe(600_000 - HEAD_BYTES - TAIL_BYTES);
  });

  test("is not read through what a program puts in place of its files", () => {
    const logs = new TaskLogs(() => {});
    const path = join(testDirectory(), "+err");
    mkdirSync(path);
    logs.beginFiles(1, 1, { stderr: path });
    expect(logs.read(1, 1, "stderr", 0, true)).toMatchObject({ next: 0, isEnd: false });
    logs.endFiles(1, 1, ["stderr"]);
  });

  test("takes no more memory than it may, however much is printed", () => {
    const text = new TextLog();
    for (let i = 0; i < 100_000; i += 1) text.append(Buffer.from(`line ${i}\n`));
    expect(text.keptBytes).toBeLessThan(HEAD_BYTES + 2 * TAIL_BYTES);
    const head = text.read(0, 1 << 20);
    expect(Buffer.from(head.bytes).toString()).toMatch(/^line 0\nline 1\n/);
    const tail = text.read(head.next, 1 << 20);
    expect(Buffer.from(tail.bytes).toString()).toMatch(/line 99999\n$/);
    expect(tail.skippedBytes).toBeGreaterThan(500_000);
    expect(tail.isAtEnd).toBe(true);
  });
});
