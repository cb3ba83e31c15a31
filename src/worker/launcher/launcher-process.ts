import { type ChildProcess, spawn } from "node:child_process";
import {
  createFrameReader,
  decodeExited,
  decodeHello,
  decodeSpawnFailed,
  type ExitFrame,
  FRAME_EXITED,
  FRAME_HELLO,
  FRAME_SPAWN_FAILED,
  LAUNCHER_PROTOCOL_VERSION,
  REPLY_SIZE_BYTES_MAX,
  type SpawnFailureFrame,
} from "./frames.ts";
import type { Protection } from "./program.ts";

/** A running launcher: frames go in, and its replies come out as calls. */
export type LauncherProcess = {
  /** What the launcher says about inputs; rejects where it ends without having said it. */
  readonly hello: Promise<Protection>;
  /** Resolves when the process has ended and all its replies were handed over. */
  readonly ended: Promise<{ readonly reason: string }>;
  write(frames: Uint8Array): void;
  /** Closes its stdin: it kills what it has started, and ends. */
  close(): void;
  /** The last resort where {@link close} had no effect. */
  kill(): void;
};

/** Who hears of the end of programs. */
export type LauncherListener = {
  onExited(exit: ExitFrame): void;
  onSpawnFailed(failure: SpawnFailureFrame): void;
};

/**
 * Starts a launcher in a session of its own, out of reach of the terminal's Ctrl-C. A launcher that
 * cannot be started is one that has ended; only a lack of memory throws.
 */
export function spawnLauncherProcess(
  command: readonly [file: string, ...args: string[]],
  listener: LauncherListener,
): LauncherProcess {
  const [file, ...args] = command;
  // Without free descriptors the child has neither pid nor pipes, whatever its type says.
  const child: ChildProcess = spawn(file, args, {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  let trouble: string | undefined;
  const kill = () => {
    child.kill("SIGKILL");
    // Somebody may hold the other end, and its end is waited for.
    child.stdout?.destroy();
  };
  const { promise: hello, resolve: greet, reject: refuse } = createDeferred<Protection>();
  const read = createFrameReader(REPLY_SIZE_BYTES_MAX, ({ kind, body }) => {
    if (kind === FRAME_EXITED) listener.onExited(decodeExited(body));
    else if (kind === FRAME_SPAWN_FAILED) listener.onSpawnFailed(decodeSpawnFailed(body));
    else if (kind === FRAME_HELLO) {
      const { version, protection } = decodeHello(body);
      if (version === LAUNCHER_PROTOCOL_VERSION) greet(protection);
      else throw new RangeError(`version ${version} of the launcher protocol`);
    }
  });
  child.stdout?.on("data", (chunk: Buffer) => {
    if (trouble !== undefined) return;
    try {
      read(chunk);
    } catch (error) {
      // Nothing after a broken frame can be understood.
      trouble = `the launcher sent ${error instanceof Error ? error.message : String(error)}`;
      kill();
    }
  });
  // A launcher that has died breaks its pipes; its end tells us, with the reason.
  child.stdin?.on("error", () => undefined);
  child.stdout?.on("error", () => undefined);
  const ended = new Promise<{ reason: string }>((resolve) => {
    const end = (reason: string) => {
      const story = trouble ?? reason;
      refuse(new Error(story));
      resolve({ reason: story });
    };
    child.once("error", (error) => end(`the launcher ${file} could not be run: ${error.message}`));
    child.once("close", (exitCode, signal) =>
      end(`the launcher ended by ${signal ?? `exit code ${exitCode}`}`),
    );
  });
  // Whoever does not wait for the greeting learns of the end from `ended`.
  hello.catch(() => undefined);
  return {
    hello,
    ended,
    write: (frames) => {
      if (child.stdin?.writable) child.stdin.write(frames);
    },
    close: () => child.stdin?.end(),
    kill,
  };
}

function createDeferred<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
