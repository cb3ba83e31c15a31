import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Role } from "../../core/model/roles.ts";
import { type ConnectionEnds, isOfThisMachine } from "./addresses.ts";
import { type Credentials, certifiedRole, contextOf } from "./credentials.ts";
import { findPeerOwner } from "./peer-owner.ts";
import { isTrustedUser } from "./trusted-users.ts";

/** Whom we are ready to speak with. */
export type ConnectSecurity = {
  /** Ours, for TLS; without them, only this machine is reached. */
  readonly credentials?: Credentials | undefined;
  /** What the certificate of the other end must say. */
  readonly expects: Role;
  /** Users of this machine that are trusted beside our own and root. */
  readonly users?: readonly number[];
  /** On this machine, the other end proves by itself who it is. */
  readonly provesItself?: boolean;
  /** TLS on this machine too. */
  readonly alwaysTls?: boolean;
  /** Speaks with anybody, in the clear: for old servers of others, on networks where nobody else is. */
  readonly isInsecure?: boolean;
};

/** Somebody else is there than whom we trust. */
export class UntrustedPeerError extends Error {
  override readonly name = "UntrustedPeerError";
}

export type SecuredSocket = { readonly socket: Socket; readonly role: Role | undefined };

/**
 * Makes sure of who is at the other end of a new connection before a byte is exchanged. On this
 * machine that is the kernel's word on whose process it is; beyond it, TLS with certificates of one
 * authority on both sides. Throws an UntrustedPeerError; another error where nobody accepts.
 */
export async function secureConnection(
  socket: Socket,
  ends: ConnectionEnds,
  security: ConnectSecurity,
  timeoutMs: number,
): Promise<SecuredSocket> {
  const { credentials, alwaysTls, isInsecure } = security;
  if (isInsecure) return { socket, role: undefined };
  if (isOfThisMachine(ends) && !alwaysTls) {
    if (security.provesItself) return { socket, role: undefined };
    const owner = await findPeerOwner(ends, timeoutMs);
    if (owner.kind === "unreadable" || owner.kind === "closed") return { socket, role: undefined };
    if (owner.kind === "not-accepted") {
      throw new Error(`it did not accept the connection in ${timeoutMs} ms`);
    }
    // What cannot be seen here is elsewhere: somebody passes the connection on.
    if (owner.kind === "user") {
      const isTrusted = isTrustedUser(owner.uid) || security.users?.includes(owner.uid) === true;
      if (isTrusted) return { socket, role: undefined };
      throw new UntrustedPeerError(
        `what listens there belongs to another user, of uid ${owner.uid}`,
      );
    }
  }
  if (credentials === undefined) {
    throw new UntrustedPeerError(
      "without an access file, only servers of this machine are trusted",
    );
  }
  return shakeHands(socket, credentials, security.expects, timeoutMs);
}

async function shakeHands(
  socket: Socket,
  credentials: Credentials,
  expects: Role,
  timeoutMs: number,
): Promise<SecuredSocket> {
  const { connect } = await import("node:tls");
  const secureContext = await contextOf(credentials);
  const secured = await new Promise<TLSSocket>((resolve, reject) => {
    // Names are not compared: the authority signs for this cluster alone, and roles are.
    const tls = connect({ socket, secureContext, checkServerIdentity: () => undefined });
    const timer = setTimeout(
      () => tls.destroy(new Error(`no TLS handshake in ${timeoutMs} ms`)),
      timeoutMs,
    );
    tls.once("secureConnect", () => {
      clearTimeout(timer);
      tls.removeAllListeners("error");
      resolve(tls);
    });
    tls.once("error", (error) => {
      clearTimeout(timer);
      tls.destroy();
      reject(new UntrustedPeerError(`TLS failed: ${error.message}`, { cause: error }));
    });
  });
  const role = certifiedRole(secured);
  if (role === expects) return { socket: secured, role };
  secured.destroy();
  throw new UntrustedPeerError(`its certificate is of a ${role ?? "stranger"}, not a ${expects}`);
}
