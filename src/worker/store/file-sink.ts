import { close, open, write, writev } from "node:fs";
import { promisify } from "node:util";
import { createDeferred } from "../../core/base/deferred.ts";

const openFile = promisify(open);
const closeFile = promisify(close);

/** Chunks in one system call: Linux's IOV_MAX. */
const CHUNKS_MAX = 1024;

/** A new file that is written from its start to its end. */
export type FileSink = {
  /** Resolves when the chunk is written, which must not change until then. Rejects with the system's error. */
  write(chunk: Uint8Array): Promise<void>;
  /** Bytes given and not yet written. */
  readonly unwrittenBytes: number;
  /** Resolves when all is written and the file is closed. */
  close(): Promise<void>;
};

type Waiting = {
  readonly chunk: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (e: unknown) => void;
};

/** Creates the file, which must not exist, with the mode given. What comes while a write runs is joined to the next. */
export function createFileSink(path: string, mode: number): FileSink {
  let descriptor: number | undefined;
  let failure: unknown;
  let waiting: Waiting[] = [];
  let unwrittenBytes = 0;
  let isPumping = false;
  let idle: Promise<void> = Promise.resolve();

  const pump = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, CHUNKS_MAX);
      waiting = waiting.length > CHUNKS_MAX ? waiting.slice(CHUNKS_MAX) : [];
      try {
        if (failure !== undefined) throw failure;
        descriptor ??= await openFile(path, "wx", mode);
        await writeAll(
          descriptor,
          batch.map(({ chunk }) => chunk),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        failure ??= error;
        for (const { reject } of batch) reject(error);
      }
      for (const { chunk } of batch) unwrittenBytes -= chunk.length;
    }
    isPumping = false;
  };

  return {
    write(chunk) {
      const { promise, resolve, reject } = createDeferred<void>();
      waiting.push({ chunk, resolve, reject });
      unwrittenBytes += chunk.length;
      if (!isPumping) {
        isPumping = true;
        idle = pump();
      }
      return promise;
    },
    get unwrittenBytes() {
      return unwrittenBytes;
    },
    async close() {
      await idle;
      if (failure === undefined) descriptor ??= await openFile(path, "wx", mode);
      if (descriptor !== undefined) await closeFile(descriptor);
      descriptor = undefined;
      if (failure !== undefined) throw failure;
    },
  };
}

async function writeAll(descriptor: number, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  while (rest.length > 0) {
    let written = await writeSome(descriptor, rest);
    while (rest.length > 0 && written >= (rest[0]?.length ?? 0)) {
      written -= rest[0]?.length ?? 0;
      rest = rest.slice(1);
    }
    if (written > 0) rest = rest.map((chunk, i) => (i === 0 ? chunk.subarray(written) : chunk));
  }
}

function writeSome(descriptor: number, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const onDone = (error: Error | null, written: number): void => {
      if (error === null) resolve(written);
      else reject(error);
    };
    const [first] = chunks;
    if (chunks.length === 1 && first !== undefined) write(descriptor, first, onDone);
    else writev(descriptor, chunks, onDone);
  });
}
