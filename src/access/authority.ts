import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import type { Role } from "../core/model/roles.ts";

const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_DAYS = 3650;
/** Clocks of a cluster may differ by so much. */
const CLOCK_SLACK_MS: number = DAY_MS;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate with its private key, both in PEM. */
export type CertifiedKey = {
  readonly certificate: string;
  readonly privateKey: string;
  /** As ISO 8601. */
  readonly expiresAt: string;
};

/** The library is loaded by those that make certificates alone: it takes longer than their start. */
async function loadLibrary(): Promise<typeof import("@peculiar/x509")> {
  const library = await import("@peculiar/x509");
  library.cryptoProvider.set(webcrypto);
  return library;
}

/** A new authority, which signs for one cluster. */
export async function createAuthority(cluster: string): Promise<CertifiedKey> {
  const x509 = await loadLibrary();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { notBefore, notAfter } = validity(AUTHORITY_DAYS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `O=HyperLoom, OU=authority, CN=${cluster}`,
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  return {
    certificate: certificate.toString("pem"),
    privateKey: pemOf(keys.privateKey),
    expiresAt: notAfter.toISOString(),
  };
}

/** Signs a new key that may take the role. */
export async function issueCertificate(
  authority: CertifiedKey,
  role: Role,
  validDays: number,
): Promise<CertifiedKey> {
  const x509 = await loadLibrary();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await importKey(authority.privateKey);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { notBefore, notAfter } = validity(validDays);
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  const serves = role === "server" || role === "worker";
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `O=HyperLoom, OU=${role}`,
    issuer: issuer.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(serves ? [serverAuth, clientAuth] : [clientAuth]),
    ],
  });
  return {
    certificate: certificate.toString("pem"),
    privateKey: pemOf(keys.privateKey),
    expiresAt: notAfter.toISOString(),
  };
}

/** Whether it is to be made anew: less than so many days are left. */
export const expiresWithin = ({ expiresAt }: CertifiedKey, days: number): boolean =>
  !(Date.parse(expiresAt) > Date.now() + days * DAY_MS);

function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const nowMs = Date.now();
  return {
    notBefore: new Date(nowMs - CLOCK_SLACK_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
  };
}

/** Positive, which a first digit below 8 makes it. */
const serialNumber = (): string => `1${randomBytes(16).toString("hex").slice(1)}`;

const pemOf = (key: webcrypto.CryptoKey): string =>
  KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const base64 = pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");
  return webcrypto.subtle.importKey("pkcs8", Buffer.from(base64, "base64"), ALGORITHM, true, [
    "sign",
  ]);
}
