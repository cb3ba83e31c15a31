import { HyperloomError } from "../core/model/errors.ts";
import type { Role } from "../core/model/roles.ts";
import type { Credentials } from "../transport/security/credentials.ts";

/** The roles that an access file can give. */
export type HandedRole = Exclude<Role, "server">;

export const HANDED_ROLES: readonly HandedRole[] = ["client", "worker", "viewer"];

/** What whoever has it needs to take a role. */
export type RoleAccess = {
  /** For proofs on this machine, in hexadecimal digits. */
  readonly key: string;
  /** For TLS; both or none. */
  readonly certificate?: string;
  readonly privateKey?: string;
  /** End of the certificate's validity, as ISO 8601. */
  readonly expiresAt?: string;
};

/** Where a server is, and what makes others believe us there. */
export type AccessFile = {
  /** Names the run of the server that wrote it, and what outlives it. */
  readonly serverId: string;
  readonly clusterId: string;
  /** Where to connect. */
  readonly host: string;
  readonly port: number;
  /** All names and addresses that it may be asked for by. */
  readonly hosts: readonly string[];
  /** The machine, process and user of the server. */
  readonly hostname: string;
  readonly pid: number;
  readonly uid: number | undefined;
  /** Certificate of the cluster's authority; absent where the server listens on its own machine alone. */
  readonly ca?: string;
  readonly roles: Readonly<Partial<Record<HandedRole, RoleAccess>>>;
};

const FORMAT = 1;

export const formatAccessFile = (access: AccessFile): string =>
  `${JSON.stringify({ hyperloomAccess: FORMAT, ...access }, undefined, 2)}\n`;

/** Throws a HyperloomError `access-file-unusable` that names the file. */
export function parseAccessFile(text: string, path: string): AccessFile {
  const parsed = parseJson(text);
  const { hyperloomAccess: format } = parsed;
  if (format === FORMAT && isAccessFile(parsed)) return parsed;
  const reason =
    typeof format === "number" && format !== FORMAT
      ? `it is of format ${format}, and this version reads format ${FORMAT}`
      : "it is no access file, or damaged";
  throw new HyperloomError(
    "access-file-unusable",
    `The access file ${path} cannot be used: ${reason}. Have the server, or \`hyperloom access\`, write it again.`,
  );
}

/** What TLS needs for the role; undefined where the file has it not. */
export function credentialsOf(access: AccessFile, role: HandedRole): Credentials | undefined {
  const { certificate, privateKey } = access.roles[role] ?? {};
  if (access.ca === undefined || certificate === undefined || privateKey === undefined) {
    return undefined;
  }
  return { ca: access.ca, certificate, privateKey };
}

export const keyOf = ({ key }: RoleAccess): Uint8Array => Buffer.from(key, "hex");

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isAccessFile(value: object): value is AccessFile {
  const { serverId, clusterId, host, port, hosts, hostname, ca, roles } =
    value as Partial<AccessFile>;
  return (
    typeof serverId === "string" &&
    typeof clusterId === "string" &&
    typeof host === "string" &&
    typeof hostname === "string" &&
    Number.isInteger(port) &&
    Array.isArray(hosts) &&
    (ca === undefined || typeof ca === "string") &&
    typeof roles === "object" &&
    roles !== null &&
    Object.values(roles).every((role) => typeof role?.key === "string")
  );
}
