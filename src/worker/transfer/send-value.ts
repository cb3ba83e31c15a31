import { access, constants, stat } from "node:fs/promises";
import { isLeafType } from "../../core/model/symbols.ts";
import { encodeFromHolder } from "../../protocol/peer/codec.ts";
import type { HandedFile } from "../../protocol/peer/messages.ts";
import { payloadSizeBytes, type ValueTree } from "../../protocol/peer/value-tree.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { systemReason } from "../executors/task-error.ts";
import { copyValue, isQuick, readQuick } from "../store/read-value.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { createTurnBudget } from "../turn-budget.ts";
import { clientFrames, clientFramesBytes } from "./client-frames.ts";
import { type DescribedValue, describeValue } from "./describe-value.ts";

/** More than this is not queued for a peer that reads slowly. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/** The value cannot be read; nothing was sent of it yet. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/**
 * Answers a request by a value's shape and bytes; leaves that `nameOf` has a name for are handed over
 * as files. Throws an UnreadableError, or what broke in the middle.
 */
export async function sendTree(
  connection: TcpConnection,
  values: ValueTable,
  requestId: number,
  value: ValueId,
  nameOf?: (values: ValueTable, leaf: ValueId) => string | undefined,
): Promise<void> {
  const { tree, leaves } = await describeValue(values, value).catch(rethrowUnreadable);
  const files: HandedFile[] = [];
  const sent: ValueId[] = [];
  for (const [i, row] of leafRows(tree).entries()) {
    const leaf = leaves[i] as ValueId;
    const name = nameOf?.(values, leaf);
    if (name === undefined) sent.push(leaf);
    else files.push({ row, name });
  }
  const budget = createTurnBudget();
  for (const leaf of sent) {
    await checkUserFile(values, leaf);
    if (budget.isSpent()) await budget.renew();
  }
  connection.send(encodeTree(requestId, tree, files));
  for (const leaf of sent) {
    await sendRaw(connection, values, leaf, 0);
    if (budget.isSpent()) await budget.renew();
  }
}

/** The rows of the leaves, in the order in which they were listed. */
function leafRows({ kinds }: DescribedValue["tree"]): number[] {
  const rows: number[] = [];
  kinds.forEach((kind, row) => {
    if (isLeafType(kind)) rows.push(row);
  });
  return rows;
}

/** A tree whose offsets alone exceed what one message holds cannot be sent. */
function encodeTree(requestId: number, tree: ValueTree, files: readonly HandedFile[]): Uint8Array {
  try {
    const payloadBytes = payloadSizeBytes(tree, files);
    return encodeFromHolder({ kind: "object", requestId, payloadBytes, tree, files });
  } catch (error) {
    return rethrowUnreadable(error);
  }
}

/** Answers a request by the frames that a client is sent, from `fromBytes` on. Throws as above. */
export async function sendClientFrames(
  connection: TcpConnection,
  values: ValueTable,
  requestId: number,
  value: ValueId,
  fromBytes: number,
): Promise<void> {
  const totalBytes = clientFramesBytes(values, value);
  if (!Number.isSafeInteger(totalBytes)) {
    throw new UnreadableError("it exceeds 2^53 bytes, counting what is shared each time");
  }
  if (values.isRaw(value)) await checkUserFile(values, value);
  connection.send(
    encodeFromHolder({
      kind: "object-frames",
      requestId,
      payloadBytes: Math.max(0, totalBytes - fromBytes),
      typeId: values.dataType(value),
      messageCount: values.messageCount(value),
    }),
  );
  let skipBytes = fromBytes;
  const budget = createTurnBudget();
  for (const piece of clientFrames(values, value)) {
    const sizeBytes =
      piece.value === undefined ? piece.bytes.length : values.sizeBytes(piece.value);
    if (skipBytes >= sizeBytes) skipBytes -= sizeBytes;
    else {
      if (piece.value === undefined) connection.send(piece.bytes.subarray(skipBytes));
      else await sendRaw(connection, values, piece.value, skipBytes);
      skipBytes = 0;
      if (connection.unsentBytes > UNSENT_BYTES_MAX) await connection.drained(UNSENT_BYTES_MAX / 2);
      if (connection.isClosed) throw new Error("the puller is gone");
    }
    if (budget.isSpent()) await budget.renew();
  }
}

async function sendRaw(
  connection: TcpConnection,
  values: ValueTable,
  value: ValueId,
  fromBytes: number,
): Promise<void> {
  if (isQuick(values, value)) {
    // Views into the store stay as they are, so they need no copy.
    connection.send(readQuick(values, value).subarray(fromBytes));
    if (connection.unsentBytes > UNSENT_BYTES_MAX) await connection.drained(UNSENT_BYTES_MAX / 2);
  } else {
    const send = async (chunk: Uint8Array): Promise<void> => {
      connection.send(chunk);
      await connection.drained();
      if (connection.isClosed) throw new Error("the puller is gone");
    };
    await copyValue(values, value, send, { fromBytes });
  }
}

/** Only a file of the user can vanish behind our back. */
async function checkUserFile(values: ValueTable, value: ValueId): Promise<void> {
  const stretch = values.fileStretch(value);
  if (stretch === undefined || values.files.isOwned(stretch.file)) return;
  const path = values.files.path(stretch.file);
  const needed = stretch.offset + stretch.sizeBytes;
  await access(path, constants.R_OK).catch(rethrowUnreadable);
  const { size } = await stat(path).catch(rethrowUnreadable);
  if (size < needed) {
    throw new UnreadableError(`file '${path}' is shorter than it was when it was opened`);
  }
}

function rethrowUnreadable(error: unknown): never {
  throw new UnreadableError(systemReason(error), { cause: error });
}
