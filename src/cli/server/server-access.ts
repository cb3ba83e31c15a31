import { hostname, networkInterfaces } from "node:os";
import { authorityPath, defaultAccessPath } from "../../access/access-directory.ts";
import {
  accessOf,
  type ClusterKeys,
  keysOfCluster,
  keysOfOneMachine,
  proofKeys,
  serverCredentials,
} from "../../access/cluster-keys.ts";
import {
  removeAccessFile,
  removeDeadAccessFiles,
  writeAccessFile,
} from "../../access/write-access.ts";
import type { Log } from "../../core/base/log.ts";
import type { Server, ServerAccess } from "../../server/server.ts";
import { isLoopback } from "../../transport/security/addresses.ts";
import type { Credentials } from "../../transport/security/credentials.ts";
import { ownUid } from "../../transport/security/trusted-users.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import type { ServerFlags } from "./server-flags.ts";

/** Certificates are looked at so often; they are renewed months before their end. */
const RENEWAL_INTERVAL_MS = 24 * 3600 * 1000;

/** Who may come to this server, and the file that says how. */
export type PreparedAccess = {
  readonly forServer: ServerAccess;
  /** The server listens: writes the file. The result removes it. */
  publish(server: Server): Promise<Disposable>;
};

/** Makes the secrets, or reads those of the last run at the same port. */
export async function prepareAccess(flags: ServerFlags, log: Log): Promise<PreparedAccess> {
  const { host, port, insecureLegacyPort } = flags;
  const isPublic = !isLoopback(host);
  if (isPublic && flags.accessFile === "none") {
    const why = `Other machines reach ${host}, and come in by an access file`;
    throw new CliError(EXIT.usage, `${why}: --access-file none is for 127.0.0.1`);
  }
  // The usual name has the port in it, which is not known yet where any free one is taken.
  const pathAt = (boundPort: number): string | undefined =>
    flags.accessFile === "none" ? undefined : (flags.accessFile ?? defaultAccessPath(boundPort));
  let keys: ClusterKeys | undefined;
  let credentials: Credentials | undefined;
  /** Filled in when the port is known, which a cluster of several machines has its secrets by. */
  const proofs: Partial<ReturnType<typeof proofKeys>> = {};

  const load = async (boundPort: number): Promise<ClusterKeys> => {
    const loaded = await loadKeys(boundPort);
    credentials = serverCredentials(loaded);
    Object.assign(proofs, proofKeys(loaded));
    return loaded;
  };

  const loadKeys = async (boundPort: number): Promise<ClusterKeys> => {
    const path = pathAt(boundPort);
    if (!isPublic || path === undefined) return keysOfOneMachine(path);
    return keysOfCluster(authorityPath(path), `${hostname()}:${boundPort}`).catch(
      (error: unknown) => {
        throw cannotWrite(authorityPath(path), error);
      },
    );
  };

  if (port !== 0 || flags.accessFile !== undefined) keys = await load(port);
  return {
    forServer: {
      keys: proofs,
      credentials: isPublic ? () => credentials : undefined,
      insecureLegacyPort,
    },
    async publish(server) {
      const path = pathAt(server.port);
      if (path === undefined) return { [Symbol.dispose]: () => {} };
      if (flags.accessFile === undefined) removeDeadAccessFiles();
      const write = (current: ClusterKeys): void =>
        writeAccessFile(path, accessOf(current, describe(server, host)));
      try {
        keys ??= await load(server.port);
        write(keys);
        log("info", "access file written", { path });
      } catch (error) {
        if (isPublic || flags.accessFile !== undefined) throw cannotWrite(path, error);
        // On this machine the kernel vouches for our own processes.
        log("warning", "no access file", { path, reason: reasonOf(error) });
      }
      const renew = async (): Promise<void> => write(await load(server.port));
      const timer = isPublic
        ? setInterval(() => {
            renew().catch((error: unknown) =>
              log("error", "certificates cannot be renewed", { reason: reasonOf(error) }),
            );
          }, RENEWAL_INTERVAL_MS)
        : undefined;
      timer?.unref();
      return {
        [Symbol.dispose]() {
          clearInterval(timer);
          removeAccessFile(path, server.serverId);
        },
      };
    },
  };
}

function describe({ port, serverId, clusterId }: Server, host: string) {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );
  const isWildcard = host === "0.0.0.0" || host === "::";
  const hosts = isWildcard ? [hostname(), ...own] : [...new Set([host, hostname()])];
  // A machine's own name often leads to its loopback, where others reach none of its workers.
  const address = isWildcard ? (own[0] ?? hostname()) : host;
  const machine = { hostname: hostname(), pid: process.pid, uid: ownUid() };
  return { serverId, clusterId, host: address, port, hosts, ...machine };
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function cannotWrite(path: string, cause: unknown): CliError {
  if (cause instanceof CliError) return cause;
  const text = `The access file ${path} cannot be written: ${reasonOf(cause)}`;
  return new CliError(EXIT.failure, `${text}. Choose another place with --access-file.`, { cause });
}
