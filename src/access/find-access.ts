import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HyperloomError } from "../core/model/errors.ts";
import { isLoopback } from "../transport/security/addresses.ts";
import { ACCESS_FILE_VARIABLE, accessDirectory, isAccessFileName } from "./access-directory.ts";
import { type AccessFile, parseAccessFile } from "./access-file.ts";

/** An access file and where it is. */
export type LocatedAccess = { readonly path: string; readonly access: AccessFile };

type Address = { readonly host: string; readonly port: number };

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
  return locateNamed(path)?.access;
}

/**
 * What is known of the server at an address: by the file that was named, else by one that its server
 * has left in the home directory. Undefined if there is none; servers of this machine mostly need none.
 */
export function findAccess(address: Address, path?: string | undefined): AccessFile | undefined {
  return locateAccess(address, path)?.access;
}

/** `findAccess`, and where it was found. */
export const locateAccess = (
  address: Address,
  path?: string | undefined,
): LocatedAccess | undefined => locateNamed(path) ?? locateInDirectory(address);

function locateNamed(path: string | undefined): LocatedAccess | undefined {
  const named = path ?? process.env[ACCESS_FILE_VARIABLE];
  if (named === undefined || named === "") return undefined;
  return { path: named, access: readAccessFile(named) };
}

function locateInDirectory({ host, port }: Address): LocatedAccess | undefined {
  const wanted = host.toLowerCase();
  const candidates = listDirectory(port);
  const isOurs = isLoopback(host);
  const found = candidates.find(({ access }) =>
    isOurs
      ? access.hostname === hostname()
      : access.hosts.some((name) => name.toLowerCase() === wanted),
  );
  if (found !== undefined || isOurs) return found;
  // By a name that the server does not know of itself; its certificate shows whether it is the one.
  return candidates.length === 1 ? candidates[0] : undefined;
}

function listDirectory(port: number): LocatedAccess[] {
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
      const path = join(directory, name);
      try {
        return [{ path, access: readAccessFile(path) }];
      } catch {
        return []; // it is being replaced, or another version's
      }
    });
}
