import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runToEnd } from "../../cli/processes/programs.ts";
import { PYTHON } from "./python/interpreter.ts";

type Program = { readonly heading: string; readonly files: Map<string, string> };

const page = await readFile(
  join(import.meta.dirname, "../../../docs/functions-typescript.md"),
  "utf8",
);

const PACKAGES = join(import.meta.dirname, "../../../node_modules");

/** The programs of the page: files whose first line is their name, up to each main.ts. */
function listPrograms(): Program[] {
  const programs: Program[] = [];
  for (const section of page.split(/^## /m)) {
    const [heading = ""] = section.split("\n", 1);
    let files = new Map<string, string>();
    for (const [, text = ""] of section.matchAll(/^```(?:ts|py)\n(.*?)^```$/gms)) {
      const [, name = ""] = /^(?:\/\/|#) (\S+)$/m.exec(text) ?? [];
      files.set(name, text);
      if (name !== "main.ts") continue;
      programs.push({ heading, files });
      files = new Map();
    }
  }
  return programs;
}

const programs = listPrograms();

test("the page has programs", () => {
  expect(programs.length).toBeGreaterThanOrEqual(4);
});

test.each(programs)("the program of '$heading' prints what it says", async ({ files }) => {
  const directory = await mkdtemp(join(tmpdir(), "hyperloom-docs-"));
  try {
    for (const [name, text] of files) await writeFile(join(directory, name), text);
    // What a reader of the page has installed.
    await symlink(PACKAGES, join(directory, "node_modules"));
    const env = { HYPERLOOM_PYTHON: PYTHON };
    const ended = await runToEnd("hyperloom", ["run", join(directory, "main.ts")], { env });
    const lines = [...(files.get("main.ts") ?? "").matchAll(/^\/\/ prints: (.*)$/gm)];
    expect(ended).toMatchObject({
      code: 0,
      stderr: "",
      stdout: lines.map(([, line]) => `${line}\n`).join(""),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
