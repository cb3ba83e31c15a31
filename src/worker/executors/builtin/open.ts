import { access, constants, stat } from "node:fs/promises";
import { systemReason, TaskError } from "../task-error.ts";
import { type Builtin, configPath, requireNoInputs } from "./builtin.ts";

/** `loom/data/open`: a file of the user, as it is now; nothing of it is read before it is needed. */
export const openBuiltin: Builtin = {
  now: (task) => {
    requireNoInputs(task);
    configPath(task);
    // Not even a look at the user's file system happens on the loop: it may be a slow network's.
    return undefined;
  },
  aside: async (task) => {
    const path = configPath(task);
    try {
      const real = (await task.files?.readable(path)) ?? path;
      const found = await stat(real);
      if (!found.isFile()) {
        const reason = found.isDirectory() ? "it is a directory" : "it is not a regular file";
        throw new Error(reason);
      }
      await access(real, constants.R_OK);
      return task.values.createFile(real, found.size, { isOwned: false });
    } catch (error) {
      throw new TaskError({ message: `Cannot open file '${path}': ${systemReason(error)}` });
    }
  },
};
