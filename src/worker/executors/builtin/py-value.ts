import { DATA_TYPE } from "../../../core/model/symbols.ts";
import type { Builtin } from "./builtin.ts";
import { storeConfig } from "./const.ts";

/** `loom/py/value`: the config, a pickle, as a Python object. */
export const pyValueBuiltin: Builtin = storeConfig(DATA_TYPE.pyobj);
