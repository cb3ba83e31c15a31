import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { startLauncher } from "../../../src/worker/launcher/launcher.ts";
import { createBuilds, removeBuilds } from "./builds.ts";

vi.setConfig({ testTimeout: 60_000 });
const builds = await createBuilds();
const directory = mkdtempSync(join(tmpdir(), "loom-launcher-test-"));
afterAll(() => {
  removeBuilds(builds);
  rmSync(directory, { recursive: true, force: true });
});

const BROKEN = {
  "is missing": undefined,
  "is not for this machine": Buffer.from("\x7fELF and no more"),
  "ends at once": Buffer.from("#!/bin/sh\nexit 3\n"),
  "says nonsense": Buffer.from("#!/bin/sh\necho a longer text than a greeting\nexec sleep 1000\n"),
  "speaks another version": Buffer.from(
    "#!/bin/sh\nprintf '\\3\\0\\0\\0A\\11\\0'\nexec sleep 1000\n",
  ),
};

test.each(Object.entries(BROKEN))(
  "the launcher in Node is used when the compiled one %s",
  async (_, content) => {
    const compiledPath = join(directory, "loom-launcher");
    rmSync(compiledPath, { force: true });
    if (content !== undefined) writeFileSync(compiledPath, content, { mode: 0o755 });
    const logs: string[] = [];
    const launcher = await startLauncher({
      dataDirectory: directory,
      compiledPath,
      nodePath: builds.nodePath,
      onLog: (text) => logs.push(text),
    });
    try {
      expect(launcher.kind).toBe("node");
      expect(logs.length).toBe(content === undefined ? 0 : 1);
    } finally {
      await launcher[Symbol.asyncDispose]();
    }
  },
);

test("without any launcher the reason is told", async () => {
  const nodePath = join(directory, "no-such-file.mjs");
  await expect(
    startLauncher({
      dataDirectory: directory,
      compiledPath: undefined,
      nodePath,
      onLog: () => undefined,
    }),
  ).rejects.toThrow(`No launcher at ${nodePath}`);
});
