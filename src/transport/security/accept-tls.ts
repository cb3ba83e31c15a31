import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { Role } from "../../core/model/roles.ts";
import { type Credentials, certifiedRole, tlsOptions } from "./credentials.ts";

/** A handshake takes some milliseconds, and a few round trips. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** `22 3 x`: a TLS record of a handshake. As the length of a first frame it would be far too large. */
const HELLO_BYTES = 3;
const HANDSHAKE_RECORD = 22;
const TLS_MAJOR_VERSION = 3;
const TLS_MINOR_VERSION_MAX = 4;

export type SecureSocket = { readonly socket: TLSSocket; readonly role: Role };

/** Shakes hands with those who connect. Resolves to undefined, and closes, where they are none of the cluster. */
export type TlsAcceptor = (socket: Socket) => Promise<SecureSocket | undefined>;

/** @param credentials those of now: they are renewed while we run */
export function createTlsAcceptor(credentials: () => Credentials | undefined): TlsAcceptor {
  let current: Credentials | undefined;
  let server: Server | undefined;
  /** By the far end, which one connection at a time can have. */
  const waiting = new Map<string, (secured: TLSSocket) => void>();

  const serverNow = async (): Promise<Server | undefined> => {
    const wanted = credentials();
    if (wanted === undefined) return undefined;
    if (server === undefined) {
      const { createServer } = await import("node:tls");
      server ??= createServer(
        {
          ...tlsOptions(wanted),
          requestCert: true,
          rejectUnauthorized: true,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
          noDelay: true,
        },
        (secured) => {
          const key = farEnd(secured);
          const resolve = waiting.get(key);
          waiting.delete(key);
          if (resolve === undefined) secured.destroy();
          else resolve(secured);
        },
      );
      // A handshake that fails closes its socket, which whoever waits for it sees.
      server.on("tlsClientError", (_, socket) => void socket.destroy());
      current = wanted;
    } else if (current !== wanted) {
      server.setSecureContext(tlsOptions(wanted));
      current = wanted;
    }
    return server;
  };

  return async (socket) => {
    const tls = await serverNow();
    if (tls === undefined || socket.destroyed) {
      socket.destroy();
      return undefined;
    }
    const secured = await new Promise<TLSSocket | undefined>((resolve) => {
      const key = farEnd(socket);
      waiting.set(key, resolve);
      socket.once("close", () => {
        if (waiting.get(key) === resolve) waiting.delete(key);
        resolve(undefined);
      });
      tls.emit("connection", socket);
    });
    if (secured === undefined || secured.destroyed) return undefined;
    const role = certifiedRole(secured);
    if (role !== undefined) return { socket: secured, role };
    secured.destroy();
    return undefined;
  };
}

const farEnd = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

/** Whether the connection begins with TLS; asked once its first bytes are there, which stay unread. */
export function beginsWithTls(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    let head: Buffer = Buffer.alloc(0);
    const settle = (isTls: boolean): void => {
      socket.off("data", take);
      socket.off("close", onClose);
      socket.pause();
      if (head.length > 0 && !socket.destroyed) socket.unshift(head);
      resolve(isTls);
    };
    const onClose = (): void => settle(false);
    const take = (chunk: Buffer): void => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const [type, major = TLS_MAJOR_VERSION, minor = 0] = head;
      const fits =
        type === HANDSHAKE_RECORD && major === TLS_MAJOR_VERSION && minor <= TLS_MINOR_VERSION_MAX;
      // The third byte of a frame's length is 0 where the others look like TLS.
      if (!fits) settle(false);
      else if (head.length >= HELLO_BYTES) settle(minor > 0);
    };
    socket.on("data", take);
    socket.once("close", onClose);
  });
}
