import { describe, expect, test } from "vitest";
import { findMarked, type Program, runToEnd, start, untilGone } from "./programs.ts";

const LIMIT_MS = 60_000;

async function startLocal(...args: string[]): Promise<{ local: Program; address: string }> {
  const local = start("hyperloom", ["local", "--json", ...args]);
  const [line] = await local.waitFor(/^\{.*\}\n/);
  return { local, address: (JSON.parse(line) as { address: string }).address };
}

describe("hyperloom local", { timeout: LIMIT_MS }, () => {
  test("can be asked, waited for and stopped", async () => {
    const { local, address } = await startLocal("--workers", "2", "--cpus", "3");
    await using _local = local;
    const env = { HYPERLOOM_SERVER: address };

    const waited = await runToEnd("hyperloom", ["wait", "--workers", "2", "--timeout", "10"], {
      env,
    });
    expect(waited).toMatchObject({ code: 0, stdout: "2 workers joined\n" });

    const status = await runToEnd("hyperloom", ["status", "--json"], { env });
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      workers: [{ cpus: 3 }, { cpus: 3 }],
      tasks: { running: 0 },
      dataObjects: 0,
    });
    const text = await runToEnd("hyperloom", ["status", "--server", address]);
    expect(text.stdout).toContain("2 workers with 6 cpus");

    const more = await runToEnd("hyperloom", ["wait", "-w", "3", "-t", "0.2", "-s", address]);
    expect(more.stderr).toContain("2 of 3 workers");
    expect(more.code).toBe(6);

    expect((await runToEnd("hyperloom", ["stop"], { env })).code).toBe(0);
    expect((await local.ended).code).toBe(0);
    await untilGone(local.mark);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends everything on %s", async (signal) => {
    const { local } = await startLocal("--workers", "2");
    await using _local = local;
    expect(findMarked(local.mark).length).toBeGreaterThan(3);
    local.child.kill(signal);
    expect((await local.ended).code).toBe(0);
    await untilGone(local.mark);
  });

  test("says that its port is taken, with status 4", async () => {
    const { local, address } = await startLocal();
    await using _local = local;
    const port = address.split(":")[1] ?? "";
    const { code, stderr } = await runToEnd("hyperloom", ["local", "--port", port]);
    expect(code, stderr).toBe(4);
    expect(stderr).toContain(port);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("leaves nothing behind when it is killed", async () => {
    const { local } = await startLocal("--workers", "2");
    await using _local = local;
    local.child.kill("SIGKILL");
    await untilGone(local.mark);
  });
});
