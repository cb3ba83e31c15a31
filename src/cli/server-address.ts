import { DEFAULT_PORT } from "./server/server-flags.ts";

/** The environment variable in which a pipeline, and every command, finds its server. */
export const SERVER_VARIABLE = "HYPERLOOM_SERVER";

export const SERVER_OPTION_HELP = `address of the server (default: $${SERVER_VARIABLE}, else localhost:${DEFAULT_PORT})`;

/** The server that was named by option or environment; undefined: none was. */
export function namedServer(option: string | undefined): string | undefined {
  const fromEnvironment = process.env[SERVER_VARIABLE];
  return option ?? (fromEnvironment === "" ? undefined : fromEnvironment);
}

/** The server that was named, else the one that a person would have started here. */
export function serverOrDefault(option: string | undefined): string {
  return namedServer(option) ?? `localhost:${DEFAULT_PORT}`;
}
