import type { Role } from "../core/model/roles.ts";
import type { ConnectionEnds } from "../transport/security/addresses.ts";
import type { ConnectSecurity } from "../transport/security/connect-securely.ts";
import { proveKey, registrationStatement } from "../transport/security/connection-proof.ts";
import type { Credentials } from "../transport/security/credentials.ts";
import { type AccessFile, credentialsOf, type HandedRole, keyOf } from "./access-file.ts";

/** `HYPERLOOM_TLS=always`: TLS on this machine too. */
const TLS_VARIABLE = "HYPERLOOM_TLS";
/** `HYPERLOOM_INSECURE=1`: speaks with servers that show nothing of who they are. */
const INSECURE_VARIABLE = "HYPERLOOM_INSECURE";

/** What one process shows of itself in a cluster, and whom it believes there. */
export type Pass = {
  /** What it asks to be. */
  readonly role: HandedRole;
  readonly credentials: Credentials | undefined;
  /** For a connection to somebody of this role. */
  securityFor(expects: Role): ConnectSecurity;
  /** For the registration on a connection without TLS; undefined without an access file. */
  proofFor(ends: ConnectionEnds): Uint8Array | undefined;
};

/** The pass of a role; of a viewer, where a client's access file has no more than that. */
export function createPass(access: AccessFile | undefined, wanted: "client" | "worker"): Pass {
  const role =
    wanted === "client" && access?.roles.client === undefined && access?.roles.viewer
      ? "viewer"
      : wanted;
  const own = access?.roles[role];
  const credentials = access === undefined ? undefined : credentialsOf(access, role);
  const users = access?.uid === undefined ? [] : [access.uid];
  const alwaysTls = process.env[TLS_VARIABLE] === "always" && credentials !== undefined;
  const isInsecure = process.env[INSECURE_VARIABLE] === "1";
  return {
    role,
    credentials,
    securityFor: (expects) => ({ credentials, expects, users, alwaysTls, isInsecure }),
    proofFor: (ends) =>
      access === undefined || own === undefined
        ? undefined
        : proveKey(keyOf(own), ends, registrationStatement(role, access.clusterId)),
  };
}
