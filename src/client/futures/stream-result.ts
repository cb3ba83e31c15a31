import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { addAbortSignal, type Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Future } from "./future.ts";
import type { FetchToOptions } from "./options.ts";

/** A stream of the result, which is asked for with the first read. */
export function openStream(future: Future, signal: AbortSignal | undefined): Readable {
  const stream = future.owner.fetchStream(future);
  return signal === undefined ? stream : addAbortSignal(signal, stream);
}

/** Writes the result to a file or a stream. Rejects with the signal's reason. */
export async function fetchTo(
  future: Future,
  { to, signal, end = true }: FetchToOptions,
): Promise<void> {
  const source = future.owner.fetchStream(future);
  const abort = signal === undefined ? {} : { signal };
  try {
    // A file is touched only once there is something to put into it.
    await once(source, "readable", abort);
    if (typeof to === "string") await copyToFile(source, to, abort);
    else await pipeline(source, to, { end, ...abort });
  } catch (error) {
    source.destroy();
    signal?.throwIfAborted();
    throw error;
  }
}

/** A file that could not be written whole is removed. */
async function copyToFile(
  source: Readable,
  path: string,
  abort: { signal?: AbortSignal },
): Promise<void> {
  const file: Writable & { readonly pending: boolean } = createWriteStream(path, {
    highWaterMark: 1024 * 1024,
  });
  try {
    await pipeline(source, file, abort);
  } catch (error) {
    if (!file.pending && (await isRegularFile(path))) await rm(path, { force: true });
    throw error;
  }
}

/** A device or a pipe that could not take the result stays. */
async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
