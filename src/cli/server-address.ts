import { namedAccess } from "../access/find-access.ts";
import {
  DEFAULT_PORT,
  defaultAddress,
  formatAddress,
  SERVER_VARIABLE,
} from "../client/session/address.ts";

export const SERVER_OPTION_HELP: string = `address of the server (default: $${SERVER_VARIABLE}, else localhost:${DEFAULT_PORT})`;

/** The server that was named by option, environment or access file; undefined: none was. */
export function namedServer(option: string | undefined): string | undefined {
  const named = option ?? (process.env[SERVER_VARIABLE] || undefined);
  if (named !== undefined) return named;
  const access = namedAccess(undefined);
  return access && formatAddress(access);
}

/** The server that was named, else the one that a person would have started here. */
export function serverOrDefault(option: string | undefined): string {
  return namedServer(option) ?? defaultAddress();
}
