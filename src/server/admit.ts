import type { Role } from "../core/model/roles.ts";
import type { Register } from "../protocol/client/register.ts";
import { isOfThisMachine } from "../transport/security/addresses.ts";
import { isProofOfPeer, registrationStatement } from "../transport/security/connection-proof.ts";
import { findPeerOwner } from "../transport/security/peer-owner.ts";
import { isTrustedUser } from "../transport/security/trusted-users.ts";
import type { TcpConnection } from "../transport/tcp-connection.ts";

/** Roles that somebody else than the server itself can have. */
export type GuestRole = Exclude<Role, "server">;

/** Whom a server lets in. */
export type Doorkeeping = {
  /** What proofs name. */
  readonly clusterId: string;
  /** What the keys of access files are good for. */
  readonly keys: Readonly<Partial<Record<GuestRole, Uint8Array>>>;
  /** The connection came to a port where clients that show nothing are let in. */
  readonly isLegacyPort: boolean;
  /** Says it to the operator, but not as often as somebody may be refused. */
  readonly logRefusal: (remote: string, reason: string) => void;
};

export type Admission =
  | { readonly kind: "admitted"; readonly role: GuestRole }
  | { readonly kind: "refused"; readonly reason: string };

const HOW_TO_COME_IN =
  "Use an access file of this server, which its owner writes by `hyperloom access`; " +
  "or have the server started with --insecure-legacy-port, for clients that know no access files";

/**
 * Who may register as what. A certificate says its role; on this machine a proof does, or the kernel
 * says whose process is at the other end: the server's own user and root may be anything.
 */
export async function admit(
  { clusterId, keys, isLegacyPort }: Doorkeeping,
  connection: TcpConnection,
  register: Register,
): Promise<Admission> {
  const wanted = wantedRole(register);
  const { certifiedRole, remoteHost } = connection;
  if (certifiedRole !== undefined) return admitCertified(certifiedRole, wanted);
  if (isLegacyPort) {
    if (wanted !== "worker") return { kind: "admitted", role: wanted };
    return refused("this port is for clients alone; workers use the server's own port");
  }
  if (!isOfThisMachine(connection)) {
    return refused(`${remoteHost} is another machine, and speaks in the clear. ${HOW_TO_COME_IN}`);
  }
  const key = keys[wanted];
  const { token } = register;
  if (key !== undefined && token !== undefined) {
    const statement = registrationStatement(wanted, clusterId);
    if (isProofOfPeer(token, key, connection, statement)) return { kind: "admitted", role: wanted };
  }
  const owner = await findPeerOwner(connection);
  switch (owner.kind) {
    case "user":
      if (isTrustedUser(owner.uid)) return { kind: "admitted", role: wanted };
      return refused(
        `the server belongs to another user than whoever connects, who has uid ${owner.uid}. ${HOW_TO_COME_IN}`,
      );
    case "unreadable":
      return refused(`this system does not tell whose a connection is. ${HOW_TO_COME_IN}`);
    case "not-found":
    case "not-accepted":
    case "closed":
      return refused(
        `nobody on this machine has the other end of this connection. ${HOW_TO_COME_IN}`,
      );
  }
}

/** A client may be content with looking. */
function wantedRole({ type, role }: Register): GuestRole {
  if (type === "worker") return "worker";
  return role === "viewer" ? "viewer" : "client";
}

function admitCertified(certified: Role, wanted: GuestRole): Admission {
  if (certified === wanted) return { kind: "admitted", role: wanted };
  const isClient = wanted !== "worker";
  // Whoever may do all may look, and a viewer that does not say so is one nevertheless.
  if (isClient && certified === "client") return { kind: "admitted", role: wanted };
  if (isClient && certified === "viewer") return { kind: "admitted", role: "viewer" };
  return refused(`a certificate of a ${certified} is not good for a ${wanted}`);
}

const refused = (reason: string): Admission => ({ kind: "refused", reason });
