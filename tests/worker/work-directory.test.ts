import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acquireLock, isHeld, lockPath } from "../../src/worker/work-directory/directory-lock.ts";
import { removeDeadDirectories } from "../../src/worker/work-directory/remove-dead.ts";
import { createWorkDirectory } from "../../src/worker/work-directory/work-directory.ts";
import { testDirectory } from "./support/test-store.ts";

test("data and run, a token beside it, and in the end nothing", async () => {
  const parent = join(testDirectory(), "made", "on demand");
  const directory = await createWorkDirectory(parent, 4711);
  expect(directory?.path).toBe(join(parent, `worker-${hostname()}-4711`));
  expect(readdirSync(directory?.path ?? "").sort()).toEqual(["data", "run"]);
  expect(readFileSync(directory?.tokenPath ?? "", "utf8")).toBe(directory?.token);
  expect(await createWorkDirectory(parent, 4711)).toBeUndefined();
  writeFileSync(join(directory?.dataDirectory ?? "", "x"), "x");
  await directory?.remove();
  await expect.poll(() => readdirSync(parent)).toEqual([]);
});

/** A lock as a worker leaves it that was killed: a socket that nobody listens on. */
async function leaveLock(workDirectory: string): Promise<void> {
  const script = `require("net").createServer().listen(process.argv[1], () => console.log("ready"))`;
  const child = spawn(process.execPath, ["-e", script, lockPath(workDirectory)]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(existsSync(lockPath(workDirectory))).toBe(true);
}

test("what a dead worker left under the same name is replaced", async () => {
  const parent = testDirectory();
  const path = join(parent, `worker-${hostname()}-4712`);
  mkdirSync(join(path, "data", "old"), { recursive: true });
  await leaveLock(path);
  expect(await isHeld(path)).toBe(false);
  const directory = await createWorkDirectory(parent, 4712);
  expect(readdirSync(directory?.dataDirectory ?? "")).toEqual([]);
  expect(await isHeld(path)).toBe(true);
  await directory?.remove();
});

test("the dead are removed, the living and others' are not", async () => {
  const parent = testDirectory();
  const living = await createWorkDirectory(parent, 1);
  const dead = [2, 3].map((port) => join(parent, `worker-${hostname()}-${port}`));
  for (const path of dead) {
    mkdirSync(join(path, "run", "7-1", "locked"), { recursive: true });
    chmodSync(join(path, "run", "7-1"), 0);
  }
  await leaveLock(dead[0] ?? "");
  const others = ["worker-elsewhere-4", `worker-${hostname()}-x`, "something"];
  for (const name of others) mkdirSync(join(parent, name));
  const removed: string[] = [];
  const errors: string[] = [];
  await removeDeadDirectories(parent, {
    onRemoved: (path) => removed.push(path),
    onError: (text) => errors.push(text),
  });
  expect(errors).toEqual([]);
  expect(removed.sort()).toEqual(dead);
  expect(
    readdirSync(parent)
      .filter((name) => !name.startsWith("."))
      .sort(),
  ).toEqual([...others, `worker-${hostname()}-1`].sort());
  expect(existsSync(lockPath(dead[0] ?? ""))).toBe(false);
  await living?.remove();
});

test("a directory whose path is too long for a socket", async () => {
  const parent = join(testDirectory(), "long".repeat(40));
  const directory = await createWorkDirectory(parent, 5);
  expect(await isHeld(directory?.path ?? "")).toBe(true);
  expect(await acquireLock(directory?.path ?? "")).toBeUndefined();
  await directory?.remove();
  await expect.poll(() => existsSync(lockPath(directory?.path ?? ""))).toBe(false);
});

test("a place that cannot be used is named, with the reason", async () => {
  const file = join(testDirectory(), "file");
  writeFileSync(file, "");
  const failed = await createWorkDirectory(file, 6).catch((error) => error);
  expect(failed).toMatchObject({ name: "HyperloomError", code: "work-directory-unusable" });
  expect(failed.message).toContain(`The work directory '${file}/worker-`);
  expect(failed.message).toMatch(/EEXIST|ENOTDIR/);
});

test("a lock that somebody else holds counts as held", async () => {
  const path = join(testDirectory(), "worker");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(lockPath(path), resolve));
  expect(await isHeld(path)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
});

test("a file system that refuses directories is told, not tried for ever", async () => {
  const failed = await createWorkDirectory("/proc/no/such", 1).catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: "HyperloomError", code: "work-directory-unusable" });
});
