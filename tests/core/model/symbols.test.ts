import { expect, test } from "vitest";
import {
  BUILTIN_SYMBOLS,
  CPUS,
  DATA_TYPE,
  isDynamic,
  TASK_TYPE,
} from "../../../src/core/model/symbols.ts";

/** `arrayMake` is `loom/array/make`, and so on. */
const TASK_NAMES: Readonly<Record<keyof typeof TASK_TYPE, string>> = {
  slice: "loom/base/slice",
  get: "loom/base/get",
  size: "loom/base/size",
  length: "loom/base/length",
  dslice: "loom/scheduler/dslice",
  dget: "loom/scheduler/dget",
  const: "loom/data/const",
  merge: "loom/data/merge",
  open: "loom/data/open",
  split: "loom/data/split",
  save: "loom/data/save",
  arrayMake: "loom/array/make",
  run: "loom/run/run",
  pyCall: "loom/py/call",
  pyValue: "loom/py/value",
  jsCall: "loom/js/call",
  absent: "loom/base/absent",
};

test("task types are where the symbols say", () => {
  for (const [key, id] of Object.entries(TASK_TYPE)) {
    expect(BUILTIN_SYMBOLS[id]).toBe(TASK_NAMES[key as keyof typeof TASK_TYPE]);
  }
});

test("data types and resources are where the symbols say", () => {
  for (const [key, id] of Object.entries(DATA_TYPE)) {
    expect(BUILTIN_SYMBOLS[id]).toBe(`loom/${key}`);
  }
  expect(BUILTIN_SYMBOLS[CPUS]).toBe("loom/resource/cpus");
});

test("every symbol is one of the three, and no two are the same", () => {
  const ids = [...Object.values(TASK_TYPE), ...Object.values(DATA_TYPE), CPUS];
  expect([...ids].sort((a, b) => a - b)).toEqual(BUILTIN_SYMBOLS.map((_, id) => id));
  expect(new Set(BUILTIN_SYMBOLS).size).toBe(BUILTIN_SYMBOLS.length);
});

test("only dslice and dget are replaced by the scheduler", () => {
  expect(Object.values(TASK_TYPE).filter(isDynamic)).toEqual([TASK_TYPE.dslice, TASK_TYPE.dget]);
});
