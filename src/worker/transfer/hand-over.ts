import { constants, copyFile, link, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FILE_NAME } from "../../protocol/peer/messages.ts";
import type { HolderWelcome } from "../../transport/pull-connection.ts";
import { FILE_BYTES_MIN, type ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

/**
 * What a worker shows to others of the same file system: whoever can read the token can read the
 * data, and has proved it by saying the token. It is made anew for each worker, so that it also
 * tells whether a directory is still that worker's, or already another one's of the same name.
 */
export type SharedFiles = {
  readonly tokenPath: string;
  readonly token: string;
};

/** The token that the holder's welcome leads to; undefined if it cannot be seen from here. */
export async function findToken(welcome: HolderWelcome): Promise<string | undefined> {
  if (welcome.tokenPath === "") return undefined;
  const text = await readFile(welcome.tokenPath, "utf8").catch(() => "");
  return FILE_NAME.test(text) ? text : undefined;
}

/** The name by which a raw value can be handed over: a whole file of ours in the data directory. */
export function handOverName(values: ValueTable, value: ValueId): string | undefined {
  if (values.sizeBytes(value) < FILE_BYTES_MIN || values.isRange(value)) return undefined;
  const stretch = values.fileStretch(value);
  if (stretch === undefined || !values.files.isOwned(stretch.file)) return undefined;
  const path = values.files.path(stretch.file);
  const name = basename(path);
  return dirname(path) === values.files.directory && FILE_NAME.test(name) ? name : undefined;
}

/** Where files come from: a holder's data directory, and how to tell that it is still that holder's. */
export type HandOverSource = {
  readonly dataDirectory: string;
  readonly tokenPath: string;
  readonly token: string;
};

/**
 * Makes a file of the holder one of ours as well: by a second name for it, or, on another file
 * system, by a copy. It stays when the holder drops its own. Rejects with the system's error, and
 * leaves nothing then; the bytes can be had nevertheless.
 */
export async function adoptFile(
  values: ValueTable,
  source: HandOverSource,
  name: string,
): Promise<string> {
  const from = join(source.dataDirectory, name);
  const path = values.files.createPath();
  try {
    await link(from, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EXDEV") throw error;
      return copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    });
    // What was there under this name was the holder's if its directory still is.
    if ((await readFile(source.tokenPath, "utf8")) !== source.token) {
      throw new Error("the directory is another worker's now");
    }
  } catch (error) {
    values.files.unlinkIfThere(path);
    throw error;
  }
  return path;
}
