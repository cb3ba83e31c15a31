import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Credentials } from "../transport/security/credentials.ts";
import { type AccessFile, HANDED_ROLES, type HandedRole, type RoleAccess } from "./access-file.ts";
import {
  type CertifiedKey,
  createAuthority,
  expiresWithin,
  issueCertificate,
} from "./authority.ts";
import { readAccessFile } from "./find-access.ts";
import { writeSecretFile } from "./write-access.ts";

/** Certificates are good for so long, and made anew when less than the second is left. */
export const CERTIFICATE_DAYS = 730;
const RENEWAL_DAYS = 180;

const KEY_BYTES = 32;
const FORMAT = 1;

/** All secrets of one cluster. */
export type ClusterKeys = {
  /** Absent where the server listens on its own machine alone. */
  readonly tls?: {
    readonly authority: CertifiedKey;
    readonly server: CertifiedKey;
  };
  readonly roles: Readonly<Record<HandedRole, RoleAccess>>;
};

/** For one machine. Those of a server that was killed are taken over, so that its workers are known again. */
export function keysOfOneMachine(accessPath: string | undefined): ClusterKeys {
  const former = accessPath === undefined ? undefined : readFormer(accessPath);
  const key = (role: HandedRole): RoleAccess => ({
    key: former?.roles[role]?.key ?? randomBytes(KEY_BYTES).toString("hex"),
  });
  return { roles: { client: key("client"), worker: key("worker"), viewer: key("viewer") } };
}

/**
 * Those in the file, so that a server that is started again is the one that everybody knows; what is
 * missing or about to expire is made and written there. Rejects where the file cannot be written.
 */
export async function keysOfCluster(path: string, cluster: string): Promise<ClusterKeys> {
  const known = readAuthority(path);
  const authority = known?.tls?.authority ?? (await createAuthority(cluster));
  const certify = async (
    role: HandedRole | "server",
    former: Partial<CertifiedKey> | undefined,
  ): Promise<CertifiedKey> =>
    isCertified(former) && !expiresWithin(former, RENEWAL_DAYS)
      ? former
      : issueCertificate(authority, role, CERTIFICATE_DAYS);
  const ofRole = async (role: HandedRole): Promise<RoleAccess> => {
    const former = known?.roles[role];
    const key = former?.key ?? randomBytes(KEY_BYTES).toString("hex");
    return { ...(await certify(role, former)), key };
  };
  const keys: ClusterKeys = {
    tls: { authority, server: await certify("server", known?.tls?.server) },
    roles: {
      client: await ofRole("client"),
      worker: await ofRole("worker"),
      viewer: await ofRole("viewer"),
    },
  };
  const text = `${JSON.stringify({ hyperloomAuthority: FORMAT, ...keys }, undefined, 2)}\n`;
  if (JSON.stringify(known) !== JSON.stringify(keys)) writeSecretFile(path, text);
  return keys;
}

/** The secrets in the file of an authority; undefined if there is none that can be read. */
export function readAuthority(path: string): ClusterKeys | undefined {
  try {
    const { hyperloomAuthority, tls, roles } = JSON.parse(readFileSync(path, "utf8"));
    return hyperloomAuthority === FORMAT ? { tls, roles } : undefined;
  } catch {
    return undefined; // there is none yet
  }
}

/** What the server itself shows. */
export function serverCredentials({ tls }: ClusterKeys): Credentials | undefined {
  if (tls === undefined) return undefined;
  const { certificate, privateKey } = tls.server;
  return { ca: tls.authority.certificate, certificate, privateKey };
}

export const proofKeys = ({ roles }: ClusterKeys): Record<HandedRole, Uint8Array> => {
  const key = (role: HandedRole): Uint8Array => Buffer.from(roles[role].key, "hex");
  return { client: key("client"), worker: key("worker"), viewer: key("viewer") };
};

/** An access file that gives these roles. */
export function accessOf(
  keys: ClusterKeys,
  server: Omit<AccessFile, "ca" | "roles">,
  roles: readonly HandedRole[] = HANDED_ROLES,
): AccessFile {
  const ca = keys.tls?.authority.certificate;
  return {
    ...server,
    ...(ca !== undefined && { ca }),
    roles: Object.fromEntries(roles.map((role) => [role, keys.roles[role]])),
  };
}

const isCertified = (key: Partial<CertifiedKey> | undefined): key is CertifiedKey =>
  key?.certificate !== undefined && key.privateKey !== undefined && key.expiresAt !== undefined;

function readFormer(path: string): AccessFile | undefined {
  try {
    return readAccessFile(path);
  } catch {
    return undefined; // there is none
  }
}
