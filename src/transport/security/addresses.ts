import { isIPv4 } from "node:net";

/** Both ends of a connection, as one of them sees it. */
export type ConnectionEnds = {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
};

const MAPPED_PREFIX = "::ffff:";

/** An IPv4 address as such, also where a socket of IPv6 shows it. */
export function plainAddress(host: string): string {
  const rest = host.toLowerCase().startsWith(MAPPED_PREFIX)
    ? host.slice(MAPPED_PREFIX.length)
    : host;
  return isIPv4(rest) ? rest : host;
}

export function isLoopback(host: string): boolean {
  const address = plainAddress(host);
  return address === "::1" || address === "localhost" || /^127\.\d/.test(address);
}

/** Whether the connection does not leave this machine: the kernel takes such a source from nobody else. */
export const isOfThisMachine = ({ localHost, remoteHost }: ConnectionEnds): boolean =>
  isLoopback(remoteHost) || plainAddress(remoteHost) === plainAddress(localHost);
