import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { plainAddress } from "./addresses.ts";

/** Connections of whom we do not know yet. A thousand workers may start at the same moment. */
const STRANGERS_MAX = 4096;
const OF_ONE_ADDRESS_MAX = 1024;
/** What part of the descriptors that this process may open they may take. */
const DESCRIPTOR_SHARE = 4;
/** An IPv6 host has as many addresses as it likes; they agree in these groups. */
const NETWORK_GROUPS = 4;

/**
 * Bounds the connections that have not said who they are. Of too many, the oldest goes: whoever
 * belongs here says so at once, and whoever only holds the line has held it longest.
 */
export type Strangers = {
  /** Counts a connection until the returned function is called. */
  enter(address: string, end: () => void): () => void;
  readonly count: number;
};

type Stranger = { readonly end: () => void };

export function createStrangers(
  max: number = Math.min(STRANGERS_MAX, descriptorsMax() / DESCRIPTOR_SHARE),
  ofOneAddressMax: number = Math.min(OF_ONE_ADDRESS_MAX, max),
): Strangers {
  /** Oldest first. */
  const byNetwork = new Map<string, Set<Stranger>>();
  let count = 0;

  const leave = (network: string, stranger: Stranger): void => {
    const others = byNetwork.get(network);
    if (others?.delete(stranger) !== true) return;
    count -= 1;
    if (others.size === 0) byNetwork.delete(network);
  };

  const endOldestOf = (network: string): void => {
    for (const oldest of byNetwork.get(network) ?? []) {
      leave(network, oldest);
      oldest.end();
      return;
    }
  };

  /** Whoever comes in numbers pays for it, not those who come alone. */
  const largestNetwork = (): string => {
    let largest = "";
    let size = 0;
    for (const [network, members] of byNetwork) {
      if (members.size > size) {
        largest = network;
        size = members.size;
      }
    }
    return largest;
  };

  return {
    enter(address, end) {
      const network = networkOf(address);
      const stranger = { end };
      const others = byNetwork.get(network) ?? new Set();
      byNetwork.set(network, others.add(stranger));
      count += 1;
      if (others.size > ofOneAddressMax) endOldestOf(network);
      else if (count > max) endOldestOf(largestNetwork());
      return () => leave(network, stranger);
    },
    get count() {
      return count;
    },
  };
}

function networkOf(address: string): string {
  const plain = plainAddress(address);
  return isIPv6(plain) ? plain.split(":").slice(0, NETWORK_GROUPS).join(":") : plain;
}

function descriptorsMax(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    return soft > 0 ? soft : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY; // no such file: nothing is known
  }
}
