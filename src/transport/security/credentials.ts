import type { SecureContext, SecureContextOptions, TLSSocket } from "node:tls";
import { isRole, type Role } from "../../core/model/roles.ts";

/** What one process shows of itself, and whom it believes. All in PEM. */
export type Credentials = {
  /** The cluster's authority: whoever it has not signed is nobody. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
};

const contexts = new WeakMap<Credentials, Promise<SecureContext>>();

/** Loads TLS only for those that use it. Rejects where the credentials are no PEM. */
export function contextOf(credentials: Credentials): Promise<SecureContext> {
  const known = contexts.get(credentials);
  if (known !== undefined) return known;
  const made = import("node:tls").then(({ createSecureContext }) =>
    createSecureContext(tlsOptions(credentials)),
  );
  contexts.set(credentials, made);
  return made;
}

/** For Node's TLS, on either side. */
export const tlsOptions = ({ ca, certificate, privateKey }: Credentials): SecureContextOptions => ({
  ca,
  cert: certificate,
  key: privateKey,
  minVersion: "TLSv1.3",
});

/**
 * What the certificate of the peer allows; undefined for one that names no role of ours. The names of
 * machines play no part: the authority signs for this cluster alone, and says who is the server.
 */
export function certifiedRole(socket: TLSSocket): Role | undefined {
  const unit: unknown = socket.getPeerCertificate().subject?.OU;
  return isRole(unit) ? unit : undefined;
}
