import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Role } from "../../core/model/roles.ts";
import { type ConnectionEnds, plainAddress } from "./addresses.ts";

/** Bytes of a key that proofs are made with. */
const KEY_BYTES = 32;

export const createProofKey = (): Uint8Array => randomBytes(KEY_BYTES);

/** The secret of a server and its workers: the same in each run that has the same key of workers. */
export const createMemberKey = (workerKey: Uint8Array = createProofKey()): Uint8Array =>
  createHmac("sha256", workerKey).update("members").digest();

/**
 * Proves that we have the key without saying it. The proof is good for this connection alone, so
 * that whoever listens at the address of somebody else can do nothing with what he is told.
 * @param statement what is proved, such as who we are and of which run of a server
 */
export function proveKey(key: Uint8Array, ends: ConnectionEnds, statement: string): Uint8Array {
  const local = `${plainAddress(ends.localHost)} ${ends.localPort}`;
  const remote = `${plainAddress(ends.remoteHost)} ${ends.remotePort}`;
  return createHmac("sha256", key).update(`${statement}\n${local}\n${remote}\n`).digest();
}

/** Whether the other end has the key, and states the same. */
export function isProofOfPeer(
  proof: Uint8Array,
  key: Uint8Array,
  ends: ConnectionEnds,
  statement: string,
): boolean {
  const expected = proveKey(
    key,
    {
      localHost: ends.remoteHost,
      localPort: ends.remotePort,
      remoteHost: ends.localHost,
      remotePort: ends.localPort,
    },
    statement,
  );
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

/** What a registration proves: the right to a role in one cluster. */
export const registrationStatement = (role: Role, clusterId: string): string =>
  `register ${role} ${clusterId}`;

/** What a worker proves that gives data. */
export const holderStatement = (serverId: string): string => `holder ${serverId}`;

/** What a worker proves to another one, or the server to a worker. */
export const membershipStatement = (serverId: string, workerId: number): string =>
  `member ${workerId} ${serverId}`;
