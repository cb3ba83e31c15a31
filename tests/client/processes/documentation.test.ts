import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const CLIENT = pathToFileURL(join(ROOT, "dist/bin/client.js")).href;
const run = promisify(execFile);

const page = await readFile(join(ROOT, "docs/client-typescript.md"), "utf8");
const programs = page.split(/^## /m).flatMap((section) => {
  const [heading = ""] = section.split("\n", 1);
  return [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => ({ heading, code }));
});

test("the page has examples", () => {
  expect(programs.length).toBeGreaterThanOrEqual(6);
});

test.each(programs)(
  "the example of '$heading' prints what it says",
  async ({ code }) => {
    const directory = await mkdtemp(join(tmpdir(), "hyperloom-docs-"));
    try {
      const { code: script } = await transform(code, {
        loader: "ts",
        target: "node20",
        format: "esm",
      });
      const path = join(directory, "example.mjs");
      await writeFile(
        path,
        script.replaceAll(/from "hyperloom"/g, `from ${JSON.stringify(CLIENT)}`),
      );
      const { stdout } = await run(process.execPath, [path], { timeout: 20_000 });
      const lines = [...code.matchAll(/^\/\/ prints: (.*)$/gm)].map(([, line]) => line);
      expect(stdout.trim().split("\n")).toEqual(lines);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
  30_000,
);
