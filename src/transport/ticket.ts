import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const NUMBERS_BYTES = 12;
const NONCE_BYTES = 16;
const CLAIM_BYTES: number = NUMBERS_BYTES + NONCE_BYTES;
const SEAL_BYTES = 32;

const KEY_BYTES = 32;

/** A secret for the server and one worker. */
export const createTicketKey = (): Uint8Array => randomBytes(KEY_BYTES);

/** What a ticket allows: to pull one object from one worker, once. */
export type Ticket = {
  readonly workerId: number;
  readonly task: number;
  readonly attempt: number;
  /** Tells the tickets of one object apart, so that each is used once. */
  readonly nonce: string;
};

/**
 * Seals a ticket, which the server gives to a client and the client to the worker:
 *
 *     | u32 worker | u32 task | u32 attempt | 16 random bytes | HMAC-SHA256 of these |
 */
export function sealTicket(
  key: Uint8Array,
  { workerId, task, attempt }: Omit<Ticket, "nonce">,
): Uint8Array {
  const claim = Buffer.alloc(CLAIM_BYTES);
  claim.writeUInt32LE(workerId, 0);
  claim.writeUInt32LE(task, 4);
  claim.writeUInt32LE(attempt, 8);
  randomBytes(NONCE_BYTES).copy(claim, NUMBERS_BYTES);
  return Buffer.concat([claim, sealOf(key, claim)]);
}

/** The ticket, if it was sealed with this key; else undefined. */
export function openTicket(key: Uint8Array, bytes: Uint8Array): Ticket | undefined {
  if (bytes.length !== CLAIM_BYTES + SEAL_BYTES) return undefined;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const claim = all.subarray(0, CLAIM_BYTES);
  if (!timingSafeEqual(sealOf(key, claim), all.subarray(CLAIM_BYTES))) return undefined;
  return {
    workerId: claim.readUInt32LE(0),
    task: claim.readUInt32LE(4),
    attempt: claim.readUInt32LE(8),
    nonce: claim.toString("hex", NUMBERS_BYTES),
  };
}

function sealOf(key: Uint8Array, claim: Uint8Array): Buffer {
  return createHmac("sha256", key).update(claim).digest();
}
