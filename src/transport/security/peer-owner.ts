import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { endianness } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionEnds, plainAddress } from "./addresses.ts";

/** The kernel's tables of TCP sockets; programs that speak IPv4 through a socket of IPv6 are in the second. */
const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"] as const;
/** Whether this system can say whose a connection is. */
export const tellsOwners = (): boolean => existsSync(TABLES[0]);

/** Lookups that share one reading of the tables: each of them costs a search. */
const BATCH_MAX = 16;
/** How the tables write it. */
const ESTABLISHED = "01";
/** A reading in several pieces can miss a socket, when others of its bucket go meanwhile. */
const TRIES = 3;
const RETRY_EVERY_MS = 2;
const RETRY_EVERY_MS_MAX = 100;

/** Whose the other end of a connection is. */
export type PeerOwner =
  | { readonly kind: "user"; readonly uid: number }
  /** It is none of this machine's, or is closed. */
  | { readonly kind: "not-found" }
  /** It belongs to a listener whose process has not taken it yet, or was closed just now. */
  | { readonly kind: "not-accepted" }
  /** No process holds it any more: nobody will get what is sent, and what comes was sent before. */
  | { readonly kind: "closed" }
  /** This system has no such tables. */
  | { readonly kind: "unreadable" };

/** Inode 0: no process has it open. */
type Found = { readonly uid: number; readonly inode: number; readonly state: string };
type Lookup = {
  readonly patterns: readonly [string | undefined, string];
  readonly resolve: (found: Found | "not-found" | "unreadable") => void;
};

const queue: Lookup[] = [];
let isReading = false;

/**
 * The user whose process holds the other end, by the kernel's tables, looked up by all four numbers:
 * while our end lives, no other connection has them. A socket that was closed is shown as root's, so
 * only an open one counts, and root's only if it is still open at a second look.
 * @param waitForMs how long to wait for a process to accept it
 */
export async function findPeerOwner(ends: ConnectionEnds, waitForMs = 0): Promise<PeerOwner> {
  const deadlineMs = performance.now() + waitForMs;
  let retryMs = RETRY_EVERY_MS;
  for (let tries = 1; ; tries++) {
    const found = await look(ends);
    if (found === "unreadable") return { kind: "unreadable" };
    if (found !== "not-found" && found.inode === 0 && found.state !== ESTABLISHED) {
      return { kind: "closed" };
    }
    const isOpen = found !== "not-found" && found.inode > 0;
    if (isOpen) {
      const again = found.uid === 0 ? await look(ends) : found;
      if (typeof again !== "string" && again.inode === found.inode) {
        return { kind: "user", uid: found.uid };
      }
    }
    if (tries >= TRIES && found === "not-found") return { kind: "not-found" };
    if (tries >= TRIES && performance.now() >= deadlineMs) return { kind: "not-accepted" };
    await delay(retryMs);
    retryMs = Math.min(2 * retryMs, RETRY_EVERY_MS_MAX);
  }
}

function look(ends: ConnectionEnds): Promise<Found | "not-found" | "unreadable"> {
  const patterns = patternsOf(ends);
  return new Promise((resolve) => {
    queue.push({ patterns, resolve });
    if (!isReading) void serve();
  });
}

/** One reading at a time, whoever floods us with lookups. */
async function serve(): Promise<void> {
  isReading = true;
  while (queue.length > 0) {
    const batch = queue.splice(0, BATCH_MAX);
    // A reading costs some milliseconds, however few sockets there are: the second seldom is needed.
    let missing: readonly Lookup[] = batch;
    let isReadable = false;
    for (const [i, path] of TABLES.entries()) {
      if (missing.length === 0) break;
      const table = await readFile(path).catch(() => undefined);
      isReadable ||= table !== undefined;
      missing = missing.filter(({ patterns, resolve }) => {
        const found = findIn(table, patterns[i]);
        if (found !== undefined) resolve(found);
        return found === undefined;
      });
    }
    for (const { resolve } of missing) resolve(isReadable ? "not-found" : "unreadable");
  }
  isReading = false;
}

function findIn(table: Buffer | undefined, pattern: string | undefined): Found | undefined {
  const start = pattern === undefined ? -1 : (table?.indexOf(pattern, 0, "latin1") ?? -1);
  if (table === undefined || start === -1) return undefined;
  const end = table.indexOf("\n", start);
  const line = table.toString("latin1", start, end === -1 ? table.length : end);
  // local remote state queues timer retransmits uid timeout inode
  const fields = line.split(/ +/);
  const uid = Number(fields[6]);
  const inode = Number(fields[8]);
  if (!Number.isInteger(uid) || !Number.isInteger(inode)) return undefined;
  return { uid, inode, state: fields[2] ?? "" };
}

/** What the peer's line has: its local end is our remote one. */
function patternsOf(ends: ConnectionEnds): Lookup["patterns"] {
  const from = plainAddress(ends.remoteHost);
  const to = plainAddress(ends.localHost);
  const pattern = (address: (host: string) => string): string =>
    `${address(from)}:${hex(ends.remotePort)} ${address(to)}:${hex(ends.localPort)} `;
  if (!isIPv4(from) || !isIPv4(to)) return [undefined, pattern(hexOfIpv6)];
  return [pattern(hexOfIpv4), pattern((host) => MAPPED + hexOfIpv4(host))];
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

/** Four bytes of an address as a number of this machine, in hexadecimal digits. */
function hexOfWord(bytes: readonly number[]): string {
  const ordered = endianness() === "LE" ? bytes.toReversed() : bytes;
  return ordered.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}

const MAPPED: string = [
  [0, 0, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 0xff, 0xff],
]
  .map(hexOfWord)
  .join("");

const hexOfIpv4 = (host: string): string => hexOfWord(host.split(".").map(Number));

function hexOfIpv6(host: string): string {
  const [address = ""] = host.split("%");
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  const groups = [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16));
  const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
  return [0, 4, 8, 12].map((start) => hexOfWord(bytes.slice(start, start + 4))).join("");
}
