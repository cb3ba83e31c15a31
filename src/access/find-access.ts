import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HyperloomError } from "../core/model/errors.ts";
import { isLoopback } from "../transport/security/addresses.ts";
import { ACCESS_FILE_VARIABLE, accessDirectory, isAccessFileName } from "./access-directory.ts";
import { type AccessFile, parseAccessFile } from "./access-file.ts";

/** Throws a HyperloomError `access-file-unusable`. */
export function readAccessFile(path: string): AccessFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new HyperloomError(
      "access-file-unusable",
      `The access file ${path} cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return parseAccessFile(text, path);
}

/** The access file that was named, by an option or else by the environment. */
export function namedAccess(path: string | undefined): AccessFile | undefined {
  const named = path ?? process.env[ACCESS_FILE_VARIABLE];
  return named === undefined || named === "" ? undefined : readAccessFile(named);
}

/**
 * What is known of the server at an address: by the file that was named, else by one that its server
 * has left in the home directory. Undefined if there is none; servers of this machine mostly need none.
 */
export function findAccess(
  address: { readonly host: string; readonly port: number },
  path?: string | undefined,
): AccessFile | undefined {
  return namedAccess(path) ?? findInDirectory(address);
}

function findInDirectory({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): AccessFile | undefined {
  const wanted = host.toLowerCase();
  const candidates = listDirectory(port);
  const isNamed = (access: AccessFile): boolean =>
    isLoopback(host)
      ? access.hostname === hostname()
      : access.hosts.some((name) => name.toLowerCase() === wanted);
  const found = candidates.find(isNamed);
  if (found !== undefined || isLoopback(host)) return found;
  // By a name that the server does not know of itself; its certificate shows whether it is the one.
  return candidates.length === 1 ? candidates[0] : undefined;
}

function listDirectory(port: number): AccessFile[] {
  const directory = accessDirectory();
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return []; // there is none
  }
  return names
    .filter((name) => isAccessFileName(name, port))
    .flatMap((name) => {
      try {
        return [readAccessFile(join(directory, name))];
      } catch {
        return []; // it is being replaced, or another version's
      }
    });
}
