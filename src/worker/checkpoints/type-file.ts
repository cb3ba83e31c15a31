import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { decodeFromHolder, encodeFromHolder } from "../../protocol/peer/codec.ts";
import { payloadSizeBytes, type ValueTree } from "../../protocol/peer/value-tree.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/worker/columns-codec.ts";

/*
 * The file beside a checkpoint that is not raw data, `<path>.loom.type`:
 *
 *     "loom checkpoint 1\n" | 32 bytes | shape
 *
 * The 32 bytes are a fingerprint of the checkpoint itself, so that one of the two files without the
 * other, after a crash between their renames, is noticed. The shape is a frame of the pull
 * protocol, as between workers; the bytes that would follow it there are the checkpoint.
 */
const MAGIC = Buffer.from("loom checkpoint 1\n");
const FINGERPRINT_BYTES = 32;
const SAMPLE_BYTES = 64 * 1024;

export const typeFilePath = (path: string): string => `${path}.loom.type`;

export function encodeTypeFile(tree: ValueTree, fingerprint: Uint8Array): Uint8Array {
  const payloadBytes = payloadSizeBytes(tree);
  const shape = encodeFromHolder({ kind: "object", requestId: 0, payloadBytes, tree, files: [] });
  return Buffer.concat([MAGIC, fingerprint, shape]);
}

/** Undefined if the bytes are not a type file. */
export function decodeTypeFile(
  bytes: Buffer,
): { readonly tree: ValueTree; readonly fingerprint: Uint8Array } | undefined {
  const shapeStart = MAGIC.length + FINGERPRINT_BYTES;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (bytes.length < shapeStart + FRAME_HEADER_BYTES) return undefined;
  try {
    const kind = bytes.readUInt16LE(shapeStart + 4);
    const message = decodeFromHolder(kind, bytes.subarray(shapeStart + FRAME_HEADER_BYTES));
    if (message.kind !== "object") return undefined;
    return { tree: message.tree, fingerprint: bytes.subarray(MAGIC.length, shapeStart) };
  } catch {
    return undefined; // a ProtocolError: damaged
  }
}

/** A hash of a file's size, beginning and end: cheap however large it is. */
export async function fingerprintOf(path: string): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const hash = createHash("sha256").update(`${size} `);
    hash.update(await readSample(handle, 0, size));
    hash.update(await readSample(handle, Math.max(0, size - SAMPLE_BYTES), size));
    return hash.digest();
  } finally {
    await handle.close();
  }
}

async function readSample(handle: FileHandle, start: number, size: number): Promise<Buffer> {
  const sample = Buffer.alloc(Math.min(SAMPLE_BYTES, size - start));
  const { bytesRead } = await handle.read(sample, 0, sample.length, start);
  return sample.subarray(0, bytesRead);
}
