import { invalidArgument } from "../errors.ts";

/** Where a server listens. */
export type ServerAddress = { readonly host: string; readonly port: number };

/** The port of a server that was not given one. */
export const DEFAULT_PORT = 9010;

/** The environment variable that names the server of a script. */
export const SERVER_VARIABLE = "HYPERLOOM_SERVER";

/** The server that the environment names, if it does. */
export const namedServer = (): string | undefined => process.env[SERVER_VARIABLE] || undefined;

/** The server that the environment names, else the one on this machine. */
export const defaultAddress = (): string => namedServer() ?? `localhost:${DEFAULT_PORT}`;

/** Reads `host:port`, `host` (port 9010) or `[ipv6]:port`. */
export function parseAddress(address: string | ServerAddress): ServerAddress {
  if (typeof address !== "string") return checkPort(address.host, address.port);
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) {
    throw invalidArgument(
      `A server's address is host:port, such as localhost:9010, not ${address}`,
    );
  }
  return checkPort(host, match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]));
}

export function formatAddress({ host, port }: ServerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function checkPort(host: string, port: number): ServerAddress {
  if (Number.isInteger(port) && port > 0 && port <= 65_535) return { host, port };
  throw invalidArgument(`A port is a whole number from 1 to 65535, not ${port}`);
}
