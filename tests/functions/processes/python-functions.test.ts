import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  startCluster,
  type TestCluster,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import { PYTHON, runScript } from "./python/interpreter.ts";

type Outcome = { readonly value?: unknown; readonly failed?: string };

let cluster: TestCluster;
let outcomes: Readonly<Record<string, Outcome>>;

// One script does it all: each start of Python takes a while.
beforeAll(async () => {
  cluster = await startCluster({
    workers: 1,
    workerArgs: ["--python", PYTHON, "--debug"],
  });
  outcomes = await runScript("scenarios.py", [cluster.port, cluster.scratch]);
}, 180_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

const valueIn = (name: string): unknown => {
  const outcome = outcomes[name];
  expect(outcome, name).toHaveProperty("value");
  return outcome?.value;
};
/** The script tells bytes as characters below 256. */
const textIn = (name: string): string => Buffer.from(String(valueIn(name)), "latin1").toString();
const failureOf = (name: string): string => {
  const outcome = outcomes[name];
  expect(outcome, name).toHaveProperty("failed");
  return outcome?.failed ?? "";
};

describe("what a function is given", () => {
  test.each([
    ["input_data", "(10, 0, 0, [], None, 'IndexError', b'012345678', b'012', None)"],
    ["input_large", "(2000000, 0, 0, [], None, 'IndexError', b'ababababa', b'aba', None)"],
    ["input_array", "(3, 2, 2, ['a', 'bc'], 'bc', 'IndexError', b'', b'', None)"],
    [
      "input_index",
      "(44, 3, 3, ['one\\n', 'four\\n', 'six'], 'six', 'IndexError', b'', b'', None)",
    ],
    ["input_object", "(b'', 0, True, ['list', 1], ['list'])|(b'', 0, True, ['list', 1], ['list'])"],
    ["input_order", "('Context', {'a': 1}, [2], b'x', b'y')"],
    ["fewer_direct_arguments", "(1,)"],
  ])("%s", (name, expected) => {
    expect(valueIn(name)).toBe(expected);
  });

  test("items of data that lies in a file", () => {
    expect(valueIn("input_large_index")).toContain("'short\\n'], 'short\\n', 'IndexError'");
    expect(valueIn("input_slice_of_large")).toEqual(["yyyy\n500001", "zzzzz1500000"]);
    expect(valueIn("input_file")).toMatch(/b'"""Run'/);
    expect(valueIn("slices_of_inputs")).toEqual(["b", "c"]);
  });
});

describe("what is called", () => {
  test("a function, however it is given", () => {
    expect(valueIn("function_by_py_call")).toBe("abab");
    expect(valueIn("function_as_value")).toBe("3");
    expect(valueIn("function_with_context")).toBe("True");
    expect(valueIn("a_closure")).toBe("closed over");
    expect(valueIn("large_function")).toBe("2000000");
  });

  test("what is no function", () => {
    expect(failureOf("no_function")).toContain("The first argument is not PyObj");
    expect(failureOf("no_inputs")).toContain("The first argument is not PyObj");
    expect(failureOf("not_callable")).toContain(
      "the first input is to be a function, not an object of type int",
    );
    expect(failureOf("wrong_arguments")).toMatch(/Python exception:.*TypeError.*argument: 'b'/s);
  });

  test("what cannot be unpickled, with the versions of both sides", () => {
    const versions = /cannot be unpickled on this worker, which has Python \d.*cloudpickle \d/;
    expect(failureOf("broken_pickle")).toMatch(versions);
    expect(failureOf("broken_pickle")).toContain("the client has not told its versions");
    expect(failureOf("broken_arguments")).toMatch(/The direct arguments cannot be unpickled/);
  });
});

describe("what a function returns", () => {
  test.each([
    ["result_bytes", ["\u0000\u00ff", "b", "de"]],
    ["result_sequence", ["a", [], ["b", ["c"]]]],
    ["result_input", "same"],
    ["result_parts_of_inputs", ["c\n", "a", ["a"]]],
    ["result_large", "[3000000, 1048576, 1]"],
    ["result_object", "(1, 2)"],
    ["result_deep", "50000 core"],
    ["result_shared", "\u0002\u0000\u0000\u0000\u0000\u0000\u0000\u0000"],
  ])("%s", (name, expected) => {
    expect(valueIn(name)).toEqual(expected);
  });

  test("text becomes UTF-8", () => {
    expect(textIn("result_text")).toBe("Grüße");
  });

  test("a JSON value, which other languages read", () => {
    expect(textIn("result_json")).toContain("{'list': [1, None, 'é'], 'flag': True}");
  });

  test("anything else is refused, and named", () => {
    const invalid = "Invalid result from python code: ";
    expect(failureOf("result_number")).toContain(`${invalid}builtins.int`);
    expect(failureOf("result_none")).toContain(`${invalid}builtins.NoneType`);
    expect(failureOf("result_dict")).toContain(`${invalid}builtins.dict`);
    expect(failureOf("result_of_itself")).toContain(`${invalid}a list contains itself`);
  });
});

describe("a task in place of a value", () => {
  test.each([
    ["redirect", "Hello!"],
    ["redirect_to_program", "c\nb\na\n"],
    ["redirect_to_function", "landed"],
    ["redirect_with_inputs_of_all_kinds", ["text", "bytes", ["a", ["item"]], "task", "item"]],
    ["redirect_by_attributes", "a+b"],
    ["redirect_with_shared_task", "True"],
    ["redirect_of_a_list", ["plain", "task"]],
  ])("%s", (name, expected) => {
    expect(valueIn(name)).toEqual(expected);
  });

  test("its failure is the task's", () => {
    expect(failureOf("redirect_that_fails")).toContain("Program terminated with status 1");
    expect(failureOf("redirect_to_what_is_not")).toContain("unknown type loom/no/such");
    expect(failureOf("redirect_to_dynamic")).toContain("loom/scheduler/dget");
    expect(failureOf("redirect_that_asks_too_much")).toContain("asks for 100");
  });
});

describe("failures", () => {
  test("an exception comes with its traceback, without lines of ours", () => {
    const message = failureOf("exception");
    expect(message).toMatch(/failed: Python exception:\nTraceback.*KeyError: 'missing'/s);
    expect(message).toMatch(/direct cause.*in outer.*ValueError: wrong$/s);
    expect(message).not.toContain("loom/runner");
  });

  test("an end of the process is told, whatever ended it", () => {
    expect(failureOf("exit_called")).toContain("The function called exit, with 3");
    expect(failureOf("exit_at_once")).toContain("exited with status 4");
    expect(failureOf("aborted")).toMatch(/ended by SIGABRT.*in <lambda>/s);
    expect(failureOf("segmentation_fault")).toMatch(/ended by SIGSEGV.*in crash/s);
    expect(failureOf("killed_for_memory")).toContain("when memory runs out");
    expect(failureOf("memory_error")).toContain("MemoryError");
  });

  test("neighbors do not notice", () => {
    expect(valueIn("neighbors_of_a_crash")).toEqual([true, true]);
    expect(valueIn("forked_child_returns")).toBe("parent");
  });
});

describe("the process", () => {
  test("keeps what it has loaded", () => {
    expect(valueIn("loaded_once")).toBe(true);
  });

  test("has our package, and what old pickles need of it", () => {
    expect(valueIn("our_package_wins")).toMatch(/python\/loom\/__init__\.py$/);
    expect(valueIn("old_modules")).toBe("Task ResourceRequest loom.client.tasks");
    expect(valueIn("standard_input_is_empty")).toBe("''");
  });

  test("has checkpoints of redirected tasks written", () => {
    expect(valueIn("redirect_with_checkpoint")).toEqual(["kept", "kept"]);
    expect(valueIn("redirect_of_a_checkpointed_task")).toEqual(["outer", "outer"]);
  });

  test("what it says is in the worker's log", async () => {
    const id = String(valueIn("logs"));
    const program = cluster.workers[0]?.program;
    for (const [level, line] of [
      ["DEBUG", "a debug line"],
      ["INFO", "an info line"],
      ["WARNING", "a warning line"],
      ["ERROR", "an error line"],
      ["ERROR", "a critical line"],
      ["INFO", "half of it"],
      ["INFO", "printed 1"],
      ["INFO", "no end"],
      ["WARNING", "to stderr"],
      ["INFO", "from a child"],
    ] as const) {
      await program?.waitFor(new RegExp(`${level} PyTask id=${id}: ${line}`));
    }
  });

  test("leaves nothing", async () => {
    await untilNothingIsLeft(cluster, await cluster.connect());
  });
});
