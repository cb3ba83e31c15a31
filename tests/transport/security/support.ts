import { createAuthority, issueCertificate } from "../../../src/access/authority.ts";
import type { Role } from "../../../src/core/model/roles.ts";
import type { Credentials } from "../../../src/transport/security/credentials.ts";

export type TestCluster = Readonly<Record<Role, Credentials>>;

/** Certificates of one authority for all roles. */
export async function createCluster(validDays = 1): Promise<TestCluster> {
  const authority = await createAuthority("test");
  const credentials = async (role: Role): Promise<Credentials> => ({
    ca: authority.certificate,
    ...(await issueCertificate(authority, role, validDays)),
  });
  return {
    client: await credentials("client"),
    worker: await credentials("worker"),
    viewer: await credentials("viewer"),
    server: await credentials("server"),
  };
}
