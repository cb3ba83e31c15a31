/**
 * The names that the protocols refer to by number. Position is the symbol's id on the client
 * protocol, on the worker protocol and in the task columns alike. Names of extensions (task types
 * that a worker loaded, resources of a site) are numbered from `BUILTIN_SYMBOLS.length` up, by the server.
 */
export const BUILTIN_SYMBOLS = [
  "loom/base/slice",
  "loom/base/get",
  "loom/base/size",
  "loom/base/length",
  "loom/scheduler/dslice",
  "loom/scheduler/dget",
  "loom/resource/cpus",
  "loom/data/const",
  "loom/data/merge",
  "loom/data/open",
  "loom/data/split",
  "loom/data/save",
  "loom/array/make",
  "loom/run/run",
  "loom/py/call",
  "loom/py/value",
  "loom/data",
  "loom/array",
  "loom/index",
  "loom/pyobj",
  "loom/js/call",
  "loom/json",
  "loom/jsobj",
  "loom/arrow",
  "loom/base/absent",
  "loom/absent",
] as const;

/** Symbol ids of the built-in task types: their positions above, which a test compares. */
export const TASK_TYPE = {
  slice: 0,
  get: 1,
  size: 2,
  length: 3,
  dslice: 4,
  dget: 5,
  const: 7,
  merge: 8,
  open: 9,
  split: 10,
  save: 11,
  arrayMake: 12,
  run: 13,
  pyCall: 14,
  pyValue: 15,
  jsCall: 20,
  /** What the scheduler makes of a task that failed, for those that can do without its data. */
  absent: 24,
} as const;

/** Whether the scheduler itself replaces such a task by others, once its input is there. */
export const isDynamic = (taskType: number): boolean =>
  taskType === TASK_TYPE.dslice || taskType === TASK_TYPE.dget;

/** Symbol ids of the data types. */
export const DATA_TYPE = {
  data: 16,
  array: 17,
  index: 18,
  pyobj: 19,
  /** A JSON text that both Python and TypeScript functions read as its value. */
  json: 21,
  /** What only JavaScript understands, in V8's serialization. */
  jsobj: 22,
  /** A table of Apache Arrow, as an IPC stream. */
  arrow: 23,
  /** In place of data that could not be made; no bytes. */
  absent: 25,
} as const;

/** Whether values of this data type are bytes of their own, and not made of other values. */
export const isLeafType = (dataType: number): boolean =>
  dataType === DATA_TYPE.data ||
  dataType === DATA_TYPE.pyobj ||
  dataType === DATA_TYPE.json ||
  dataType === DATA_TYPE.jsobj ||
  dataType === DATA_TYPE.arrow ||
  dataType === DATA_TYPE.absent;

/** Symbol id of the resource that every worker offers. */
export const CPUS = 6;

/** Prefix of the symbol of a resource; `gpus` is `loom/resource/gpus`. */
export const RESOURCE_PREFIX = "loom/resource/";

/** The resource that is memory, of which every worker offers its limit. It has no built-in id. */
export const MEMORY_SYMBOL = "loom/resource/memory";

/** Bytes of memory that an amount of 1 stands for: 1 MiB, so that amounts of 31 bits reach 2 PiB. */
export const MEMORY_UNIT_BYTES: number = 1024 * 1024;
