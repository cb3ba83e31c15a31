import { openTicket } from "../../transport/ticket.ts";
import type { Membership } from "./serve-data.ts";

/** Tickets that were used are remembered until so many others were. */
const USED_MAX = 65_536;

/**
 * Takes each ticket of this worker once. One that was forgotten again is of little use to a thief: its
 * object has mostly been dropped, and attempts are never numbered twice.
 */
export function createRedeemer(workerId: number, key: Uint8Array): Membership["redeem"] {
  /** By their nonce, the oldest first. */
  const used = new Set<string>();
  return (bytes) => {
    const ticket = openTicket(key, bytes);
    if (ticket === undefined || ticket.workerId !== workerId || used.has(ticket.nonce)) {
      return undefined;
    }
    used.add(ticket.nonce);
    if (used.size > USED_MAX) {
      for (const oldest of used) {
        used.delete(oldest);
        break;
      }
    }
    return { task: ticket.task, attempt: ticket.attempt };
  };
}
