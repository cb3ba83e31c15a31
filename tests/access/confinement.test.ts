import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Confinement, createConfinement, UNCONFINED } from "../../src/access/confinement.ts";

let root = "";
let allowed = "";
let files: Confinement = UNCONFINED;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "hyperloom-confined-")));
  allowed = join(root, "allowed");
  mkdirSync(join(allowed, "below"), { recursive: true });
  mkdirSync(join(root, "allowed-not"));
  writeFileSync(join(allowed, "below/file"), "in");
  writeFileSync(join(root, "secret"), "out");
  writeFileSync(join(root, "allowed-not/file"), "out");
  symlinkSync(join(root, "secret"), join(allowed, "link-out"));
  symlinkSync(join(allowed, "below/file"), join(allowed, "link-in"));
  symlinkSync(root, join(allowed, "directory-out"));
  symlinkSync(join(root, "missing"), join(allowed, "dangling"));
  files = createConfinement({ read: [allowed], write: [allowed] });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const OUTSIDE = [
  "secret",
  "allowed/../secret",
  "allowed/link-out",
  "allowed/directory-out/secret",
  "allowed-not/file",
];

test.each(OUTSIDE)("%s is outside", async (name) => {
  const path = join(root, "x").slice(0, -1) + name;
  await expect(files.readable(path)).rejects.toThrow(
    "outside of the directories that --allow-read",
  );
  await expect(files.writable(path)).rejects.toThrow(
    "outside of the directories that --allow-write",
  );
  expect(() => files.writableNow(path)).toThrow("outside");
});

test("what is inside is named by its real path", async () => {
  const file = join(allowed, "below/file");
  for (const name of ["below/file", "link-in", "below/../below/file"]) {
    expect(await files.readable(`${allowed}/${name}`)).toBe(file);
    expect(await files.writable(`${allowed}/${name}`)).toBe(file);
  }
  expect(await files.writable(join(allowed, "below/new"))).toBe(join(allowed, "below/new"));
  expect(files.writableNow(join(allowed, "new"))).toBe(join(allowed, "new"));
});

test("a link to nothing is no place to write", async () => {
  await expect(files.writable(join(allowed, "dangling"))).rejects.toThrow("ENOENT");
  expect(() => files.writableNow(join(allowed, "dangling"))).toThrow("ENOENT");
});

test("what is not there is told as such, and without roots nothing is held", async () => {
  await expect(files.readable(join(allowed, "missing"))).rejects.toThrow("ENOENT");
  const open = createConfinement({ read: [], write: [] });
  expect(await open.readable("/any/thing")).toBe("/any/thing");
  expect(await open.writable("/any/thing")).toBe("/any/thing");
  expect(() => createConfinement({ read: [join(root, "missing")], write: [] })).toThrow("ENOENT");
});
