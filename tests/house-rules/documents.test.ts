import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { ERROR_CODES } from "../../src/core/model/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** First cells, without backticks, of the rows of all tables below a heading. */
function tableKeys(path: string, heading: string): string[] {
  const section = read(path)
    .split(/^(?=## )/m)
    .find((part) => part.startsWith(`## ${heading}\n`));
  expect(section, `${path} has a section "${heading}"`).toBeDefined();
  return [...(section ?? "").matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key ?? "");
}

/** All folders below src that hold files themselves, from the root. */
const folders = (): string[] => {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.parentPath.slice(ROOT.length + 1));
  return [...new Set(files)];
};

describe("ARCHITECTURE.md", () => {
  test("its code map has every folder of the sources, and no other", () => {
    const mapped = tableKeys("ARCHITECTURE.md", "Code map").filter((key) => key.startsWith("src/"));
    expect([...mapped].sort()).toEqual(folders().sort());
  });

  test("every path in its code map exists", () => {
    const missing = tableKeys("ARCHITECTURE.md", "Code map").filter(
      (key) => !existsSync(join(ROOT, key)),
    );
    expect(missing).toEqual([]);
  });
});

test("docs/errors.md documents every error code, and no other", () => {
  expect(tableKeys("docs/errors.md", "Codes").sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

test("docs/command-line.md documents every exit status", () => {
  const documented = tableKeys("docs/command-line.md", "Exit status").map(Number);
  expect(documented).toEqual(expect.arrayContaining(Object.values(EXIT)));
});

test("links between the documents lead somewhere", () => {
  const inRoot = readdirSync(ROOT);
  const below = ["docs", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((path) =>
      join(folder, path),
    ),
  );
  const paths = [...inRoot, ...below].filter((path) => path.endsWith(".md"));
  expect(paths.length).toBeGreaterThan(5);
  const broken = paths.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("paths named in CONTRIBUTING.md exist", () => {
  const named = [...read("CONTRIBUTING.md").matchAll(/`((?:src|tests|docs|scripts)\/[\w./-]+)`/g)];
  expect(named.length).toBeGreaterThan(10);
  const missing = named
    .map(([, path]) => path ?? "")
    .filter((path) => !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});

test("the lock file names packages and their hashes, not where they came from", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { resolved?: string; integrity?: string }>;
  };
  const installed = Object.entries(packages).filter(([path]) => path !== "");
  expect(installed.length).toBeGreaterThan(10);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  expect(installed.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
});
