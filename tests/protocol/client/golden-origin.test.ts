import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

// Nobody can edit a golden file, or the script alone, and go unnoticed. Needs what
// `npm run setup -- --for-tests` installs: Debian's python3-protobuf and protobuf-compiler.
test("the golden files are what Google's runtime writes, byte for byte", {
  timeout: 60_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "hyperloom-golden-"));
  try {
    // The script writes beside itself, so a copy of it leaves the committed files alone.
    cpSync(join(ROOT, "scripts/golden"), join(folder, "scripts/golden"), { recursive: true });
    const { status, stderr } = spawnSync(
      "/usr/bin/python3",
      [join(folder, "scripts/golden/write-golden.py")],
      { encoding: "utf8" },
    );
    expect(status, stderr).toBe(0);
    const written = join(folder, "tests/golden/client");
    const committed = join(ROOT, "tests/golden/client");
    const names = readdirSync(committed).sort();
    expect(readdirSync(written).sort()).toEqual(names);
    expect(names.length).toBeGreaterThan(40);
    const differing = names.filter(
      (name) => !readFileSync(join(written, name)).equals(readFileSync(join(committed, name))),
    );
    expect(differing).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
