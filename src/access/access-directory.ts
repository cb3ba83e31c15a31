import { homedir, hostname } from "node:os";
import { join } from "node:path";

/** The environment variable that names the directory of access files. */
const DIRECTORY_VARIABLE = "HYPERLOOM_HOME";
/** The environment variable that names an access file. */
export const ACCESS_FILE_VARIABLE = "HYPERLOOM_ACCESS_FILE";

export const accessDirectory = (): string =>
  process.env[DIRECTORY_VARIABLE] || join(homedir(), ".hyperloom");

const SUFFIX = ".access.json";

/** Several servers of several machines, side by side in a home directory that the machines share. */
export const defaultAccessPath = (port: number): string =>
  join(accessDirectory(), `${hostname()}-${port}${SUFFIX}`);

/** Whether the name is that of an access file, of that port if one is given. */
export const isAccessFileName = (name: string, port?: number): boolean =>
  name.endsWith(port === undefined ? SUFFIX : `-${port}${SUFFIX}`);

/** Where the server that writes this access file keeps what signs certificates. */
export const authorityPath = (accessPath: string): string =>
  `${accessPath.replace(/(\.access)?\.json$/, "")}.authority.json`;
