import { module } from "../functions/function-module.ts";
import { pythonModule } from "../functions/python-module.ts";
import { array, dget, dslice, get, length, size, slice } from "./collection-tasks.ts";
import { custom } from "./custom-task.ts";
import { constant, merge, open, save, split } from "./data-tasks.ts";
import { optional } from "./optional-input.ts";
import { run, STDOUT } from "./run-task.ts";

/** Builders of tasks. They describe work and start nothing; `client.submit` does. */
export const tasks: {
  readonly const: typeof constant;
  readonly merge: typeof merge;
  readonly open: typeof open;
  readonly split: typeof split;
  readonly save: typeof save;
  readonly array: typeof array;
  readonly arrayMake: typeof array;
  readonly get: typeof get;
  readonly slice: typeof slice;
  readonly size: typeof size;
  readonly length: typeof length;
  readonly dget: typeof dget;
  readonly dslice: typeof dslice;
  readonly run: typeof run;
  readonly optional: typeof optional;
  readonly custom: typeof custom;
  readonly module: typeof module;
  readonly pythonModule: typeof pythonModule;
  /** In the `outputs` of `run`: the standard output. */
  readonly stdout: typeof STDOUT;
} = {
  const: constant,
  merge,
  open,
  split,
  save,
  array,
  arrayMake: array,
  get,
  slice,
  size,
  length,
  dget,
  dslice,
  run,
  optional,
  custom,
  module,
  pythonModule,
  stdout: STDOUT,
};
