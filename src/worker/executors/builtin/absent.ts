import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { type Builtin, immediate } from "./builtin.ts";

/** `loom/base/absent`: stands for data that could not be made, for tasks that can do without it. */
export const absentBuiltin: Builtin = immediate(({ values }) =>
  values.createBytes(new Uint8Array(0), DATA_TYPE.absent),
);
