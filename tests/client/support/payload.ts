import type { Value } from "../../../src/client/index.ts";
import { DATA_TYPE } from "../../../src/core/model/symbols.ts";

const typeOf = (value: Value): number =>
  Buffer.isBuffer(value) ? DATA_TYPE.data : DATA_TYPE.array;

/** The payload frames of an array, as the protocol describes them. */
export function arrayFrames(items: readonly Value[]): Buffer[] {
  const types = Buffer.alloc(4 * items.length);
  for (const [i, item] of items.entries()) types.writeUInt32LE(typeOf(item), 4 * i);
  return [
    types,
    ...items.flatMap((item) =>
      Buffer.isBuffer(item) ? [item] : arrayFrames(item as readonly Value[]),
    ),
  ];
}

/** The payload frames of an index over raw data. */
export function indexFrames(base: Buffer, offsets: readonly number[]): Buffer[] {
  const head = Buffer.alloc(4 + 8 * offsets.length);
  head.writeUInt32LE(DATA_TYPE.data, 0);
  for (const [i, offset] of offsets.entries()) head.writeBigUInt64LE(BigInt(offset), 4 + 8 * i);
  return [head, base];
}
