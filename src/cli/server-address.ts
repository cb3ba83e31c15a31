import { DEFAULT_PORT, defaultAddress, SERVER_VARIABLE } from "../client/session/address.ts";

export const SERVER_OPTION_HELP: string = `address of the server (default: $${SERVER_VARIABLE}, else localhost:${DEFAULT_PORT})`;

/** The server that was named by option or environment; undefined: none was. */
export function namedServer(option: string | undefined): string | undefined {
  const fromEnvironment = process.env[SERVER_VARIABLE];
  return option ?? (fromEnvironment === "" ? undefined : fromEnvironment);
}

/** The server that was named, else the one that a person would have started here. */
export function serverOrDefault(option: string | undefined): string {
  return option ?? defaultAddress();
}
