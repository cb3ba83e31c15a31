import { access } from "node:fs/promises";
import { type Confinement, UNCONFINED } from "../../access/confinement.ts";
import { decodeUtf8Lossy } from "../../core/base/utf8.ts";
import type { Plan } from "../../core/model/plan.ts";

/** Files that are looked for at once, on a network file system above all. */
const LOOKED_FOR_AT_ONCE = 64;

/** 1 for each task of the plan whose checkpoint file exists here. Whether it does on the worker is seen there. */
export async function findLoadable(
  plan: Plan,
  files: Confinement = UNCONFINED,
): Promise<Uint8Array> {
  const loadable = new Uint8Array(plan.taskCount);
  const { checkpointPaths: paths } = plan;
  if (paths === undefined) return loadable;
  let next = 0;
  const look = async (): Promise<void> => {
    while (next < plan.taskCount) {
      const i = next++;
      const length = paths.lengths[i] as number;
      if (length === 0) continue;
      const start = paths.starts[i] as number;
      const path = decodeUtf8Lossy(plan.bytes.subarray(start, start + length));
      // Not there, or not to be seen from here, is the same: it is computed.
      loadable[i] = await files
        .readable(path)
        .then((real) => access(real))
        .then(
          () => 1,
          () => 0,
        );
    }
  };
  await Promise.all(Array.from({ length: LOOKED_FOR_AT_ONCE }, look));
  return loadable;
}
