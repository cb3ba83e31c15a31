import { randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 16;

/** What a client must show that comes back to its session. */
export type SessionKeys = {
  /** Makes the secret of a client. */
  create(clientId: number): Uint8Array;
  /** Takes over the secret that another run of the server made. */
  restore(clientId: number, secret: Uint8Array): void;
  /** The text that names a client's session, in every run with the same journal. */
  sessionOf(clientId: number): string;
  /** The client whose session it is; undefined if there is no such session, or the secret is another. */
  find(session: string, secret: Uint8Array): number | undefined;
  forget(clientId: number): void;
};

export function createSessionKeys(clusterId: string): SessionKeys {
  const secrets = new Map<number, Uint8Array>();
  return {
    create(clientId) {
      const secret = new Uint8Array(randomBytes(SECRET_BYTES));
      secrets.set(clientId, secret);
      return secret;
    },
    restore: (clientId, secret) => void secrets.set(clientId, secret),
    sessionOf: (clientId) => `${clusterId}:${clientId}`,
    find(session, secret) {
      if (!session.startsWith(`${clusterId}:`)) return undefined;
      const clientId = Number(session.slice(clusterId.length + 1));
      const own = secrets.get(clientId);
      if (own === undefined || own.length !== secret.length) return undefined;
      return timingSafeEqual(own, secret) ? clientId : undefined;
    },
    forget: (clientId) => void secrets.delete(clientId),
  };
}
