import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runToEnd, start } from "../../cli/processes/programs.ts";
import { PYTHON, ROOT } from "./run-example.ts";

/** The blocks of code of the README's section, in order: their language and text. */
function readBlocks(): { language: string; code: string }[] {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const section = readme.split(/^(?=## )/m).find((part) => part.startsWith("## Four steps\n"));
  const fences = (section ?? "").matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return Array.from(fences, ([, language = "", code = ""]) => ({ language, code }));
}

/** The words of each command, and what is said after its `#`. */
function readCommands(code = ""): { words: string[]; comment: string }[] {
  const lines = code.trimEnd().split("\n");
  return lines.map((line) => {
    const [command = "", comment = ""] = line.split("#").map((part) => part.trim());
    return { words: command.split(/\s+/), comment };
  });
}

test("the README's four steps lead to what it says", { timeout: 60_000 }, async () => {
  const [shells, sources] = [true, false].map((isShell) =>
    readBlocks().filter(({ language }) => (language === "") === isShell),
  );
  const [server, worker] = readCommands(shells?.[0]?.code);
  const [typescript, python] = readCommands(shells?.[1]?.code);
  const codeOf = (wanted: string): string =>
    sources?.find(({ language }) => language === wanted)?.code ?? "";

  // The start of existing users, which is to go on working as it is.
  const statements = codeOf("python").split("\n");
  expect(statements.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
    "from loom.client import Client, tasks",
    'task1 = tasks.const("Hello ")',
    'task2 = tasks.const("world!")',
    "task3 = tasks.merge((task1, task2))",
    'client = Client("localhost", 9010)',
    "future = client.submit_one(task3)",
    "print(future.gather())",
  ]);

  const folder = mkdtempSync(join(tmpdir(), "hyperloom-readme-"));
  try {
    expect(server?.words).toEqual(["loom-server"]);
    // Any free port stands for 9010, which may be taken.
    await using serverProgram = start("loom-server", ["--port", "0"]);
    const [, port = ""] = await serverProgram.waitFor(/ port=(\d+)/);
    const ported = (text: string): string => text.replaceAll("9010", port);

    expect(worker?.words).toEqual(["loom-worker", "--cpus", "4", "localhost", "9010"]);
    await using workerProgram = start("loom-worker", worker?.words.slice(1).map(ported) ?? []);
    await workerProgram.waitFor(/joined the server/);

    writeFileSync(join(folder, "hello.ts"), codeOf("ts"));
    writeFileSync(join(folder, "pipeline.py"), ported(codeOf("python")));
    const options = { cwd: folder, env: { PYTHONPATH: join(ROOT, "python") } };

    expect(typescript?.words.at(-1)).toBe("hello.ts");
    const args = typescript?.words.slice(1).map(ported) ?? [];
    const shouted = await runToEnd("hyperloom", args, options);
    expect(shouted).toMatchObject({ code: 0, stderr: "", stdout: "HELLO WORLD!\n" });
    expect(typescript?.comment).toContain(shouted.stdout.trim());

    expect(python?.words).toEqual(["python3", "pipeline.py"]);
    const printed = await runToEnd("python", ["pipeline.py"], { ...options, path: PYTHON });
    expect(printed).toMatchObject({ code: 0, stderr: "", stdout: "b'Hello world!'\n" });
    expect(python?.comment).toContain(printed.stdout.trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
