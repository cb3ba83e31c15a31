import { join } from "node:path";
import { expect, test } from "vitest";
import { runToEnd } from "../../cli/processes/programs.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");

test("hello says hello", { timeout: 60_000 }, async () => {
  const ended = await runToEnd("hyperloom", ["run", join(EXAMPLES, "hello/main.ts")]);
  expect(ended).toMatchObject({ code: 0, stdout: "HELLO WORLD!\n", stderr: "" });
});

test("a pipeline uses task types of its own", { timeout: 60_000 }, async () => {
  const load = ["--load", join(EXAMPLES, "extension/count-words.ts")];
  const script = join(EXAMPLES, "extension/main.ts");
  const ended = await runToEnd("hyperloom", ["run", ...load, script]);
  expect(ended).toMatchObject({
    code: 0,
    stdout: "11 words; the first long one is 'question'\n",
    stderr: "",
  });
});
