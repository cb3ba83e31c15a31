import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startCluster } from "./cluster.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("a client that knows only the protocol's page can use the server", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [
      join(import.meta.dirname, "protobuf-client.py"),
      String(cluster.port),
      join(ROOT, "scripts/golden/client-protocol.proto"),
    ],
    { timeout: 60_000 },
  );
  expect(stdout).toBe("every answer is as it must be\n");
}, 90_000);
