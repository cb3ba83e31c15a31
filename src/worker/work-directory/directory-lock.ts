import { createHash } from "node:crypto";
import { unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** Longest path of a Unix socket, its NUL not counted: 104 on macOS, 108 on Linux. */
const SOCKET_PATH_BYTES_MAX = 103;

/** Tells the living from the dead: a socket that listens as long as its worker lives, however that ends. */
export type DirectoryLock = { release(): void };

/** The lock of a worker's directory: beside it, or, where that is too long for a socket, in the system's temporary directory. */
export function lockPath(workDirectory: string): string {
  const path = join(dirname(workDirectory), `.${basename(workDirectory)}.lock`);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 32);
  return join(tmpdir(), `.loom-${hash}.lock`);
}

/** Undefined if a living worker has it. Rejects with the system's error. */
export async function acquireLock(workDirectory: string): Promise<DirectoryLock | undefined> {
  const path = lockPath(workDirectory);
  for (let tries = 0; tries < 2; tries++) {
    const server = await listen(path);
    if (server !== undefined) {
      return {
        release: () => {
          server.close(); // unlinks the socket
        },
      };
    }
    if (await isHeld(workDirectory)) return undefined;
    unlinkSync(path);
  }
  return undefined;
}

/** Whether the worker of this directory lives. */
export function isHeld(workDirectory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(lockPath(workDirectory));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      // Anything but a clear no, such as a lack of permission, is a yes.
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}

/** Undefined if something is at the path. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    // Whoever asks whether we live must not keep us alive.
    server.listen(path, () => resolve(server.unref()));
  });
}
