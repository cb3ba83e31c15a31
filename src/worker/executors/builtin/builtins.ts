import { TASK_TYPE } from "../../../core/model/symbols.ts";
import { absentBuiltin } from "./absent.ts";
import type { Builtin } from "./builtin.ts";
import { constBuiltin } from "./const.ts";
import { arrayMakeBuiltin, getBuiltin, lengthBuiltin, sizeBuiltin, sliceBuiltin } from "./items.ts";
import { mergeBuiltin } from "./merge.ts";
import { openBuiltin } from "./open.ts";
import { pyValueBuiltin } from "./py-value.ts";
import { saveBuiltin } from "./save.ts";
import { splitBuiltin } from "./split.ts";

/** The built-in task types that need no other process, by symbol id. */
export const BUILTINS: ReadonlyMap<number, Builtin> = new Map([
  [TASK_TYPE.const, constBuiltin],
  [TASK_TYPE.merge, mergeBuiltin],
  [TASK_TYPE.open, openBuiltin],
  [TASK_TYPE.split, splitBuiltin],
  [TASK_TYPE.save, saveBuiltin],
  [TASK_TYPE.arrayMake, arrayMakeBuiltin],
  [TASK_TYPE.get, getBuiltin],
  [TASK_TYPE.slice, sliceBuiltin],
  [TASK_TYPE.size, sizeBuiltin],
  [TASK_TYPE.length, lengthBuiltin],
  [TASK_TYPE.pyValue, pyValueBuiltin],
  [TASK_TYPE.absent, absentBuiltin],
]);
