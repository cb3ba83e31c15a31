import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FOR_THE_COMPILER, FOR_THE_LINTER, type PlantedMistake } from "./planted.ts";

const ROOT = join(import.meta.dirname, "../..");
const COPIED = ["src", "lint", "biome.json", "tsconfig.base.json", "package.json"];

/** A copy of the sources, for planting. */
function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), "hyperloom-rules-"));
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith(".tsbuildinfo"),
    });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

function plant(folder: string, mistakes: readonly PlantedMistake[]): void {
  for (const { path, source } of mistakes) writeFileSync(join(folder, path), source);
}

function runTool(folder: string, tool: string, ...args: string[]): string {
  const { stdout, stderr, error } = spawnSync(join(ROOT, "node_modules/.bin", tool), args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

/** What a tool said about one file: each of its lines that names the file. */
const about = (output: string, path: string): string =>
  output
    .split("\n")
    .filter((line) => line.includes(path))
    .join("\n");

describe.each([
  {
    tool: "the compiler",
    mistakes: FOR_THE_COMPILER,
    check: (folder: string) =>
      runTool(folder, "tsc", "-b", "src/core/scheduler", "src/core/worker", "--pretty", "false"),
  },
  {
    tool: "the linter",
    mistakes: FOR_THE_LINTER,
    check: (folder: string) =>
      runTool(folder, "biome", "lint", "--reporter=github", "--max-diagnostics=none", "src"),
  },
])("$tool refuses", ({ mistakes, check }) => {
  let folder = "";
  let output = "";

  beforeAll(() => {
    folder = copyTree();
    plant(folder, mistakes);
    output = check(folder);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(mistakes)("$what ($path)", ({ path, refusedBy }) => {
    const said = about(output, path);
    expect(
      refusedBy.some((code) => said.includes(code)),
      said || output.slice(0, 2_000),
    ).toBe(true);
  });
});

test("the compiler refuses references in a circle", { timeout: 120_000 }, () => {
  const folder = copyTree();
  try {
    const path = join(folder, "src/core/base/tsconfig.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as { references: { path: string }[] };
    config.references.push({ path: "../model" });
    writeFileSync(path, JSON.stringify(config));
    expect(runTool(folder, "tsc", "-b", dirname(path), "--pretty", "false")).toContain("TS6202");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
