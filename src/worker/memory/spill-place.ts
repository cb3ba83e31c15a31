import { statfsSync } from "node:fs";
import type { Log } from "../../core/base/log.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import { createWorkDirectory, type WorkDirectory } from "../work-directory/work-directory.ts";

/** Where data is spilled to by default when the work directory is in memory: kept on disk by custom. */
const USUAL_DISK = "/var/tmp";
/** Types of file systems whose files are in memory: tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

/** Whether files in the directory take memory. */
export function isInMemory(directory: string): boolean {
  // Signed on some machines.
  return MEMORY_FILE_SYSTEMS.has(statfsSync(directory).type >>> 0);
}

export type SpillPlace = {
  /** Exists, and is ours alone; other data of this worker may be there. */
  readonly directory: string;
  /** The parent of a locked directory that is apart from the work directory. */
  readonly parent: string | undefined;
  remove(): Promise<void>;
};

/**
 * A directory for what does not fit into memory: in the given one, else that of the data, or
 * where that takes memory itself, in the usual place on disk. Rejects with `work-directory-unusable`.
 */
export async function makeSpillPlace(
  work: WorkDirectory,
  {
    parent,
    port,
    log,
  }: { readonly parent: string | undefined; readonly port: number; readonly log: Log },
): Promise<SpillPlace> {
  if (parent !== undefined) return apart(parent, port);
  if (isInMemory(work.path)) {
    const place = await apart(USUAL_DISK, port).catch(() => undefined);
    if (place !== undefined && !isInMemory(place.directory)) return place;
    await place?.remove();
    log("warning", "data cannot be spilled to a disk: the work directory is in memory", {
      directory: work.path,
      advice: "choose a place on a disk with --spill-dir",
    });
  }
  return { directory: work.dataDirectory, parent: undefined, remove: async () => {} };
}

async function apart(parent: string, port: number): Promise<SpillPlace> {
  let made: WorkDirectory | undefined;
  try {
    made = await createWorkDirectory(parent, port);
  } catch (error) {
    throw unusable(parent, error instanceof Error ? error.message : String(error), error);
  }
  if (made === undefined) throw unusable(parent, "another worker of the same name has it");
  return { directory: made.dataDirectory, parent, remove: made.remove };
}

const unusable = (parent: string, reason: string, cause?: unknown): HyperloomError =>
  new HyperloomError(
    "work-directory-unusable",
    `Data cannot be spilled to '${parent}': ${reason} Choose another place with --spill-dir.`,
    { cause },
  );
