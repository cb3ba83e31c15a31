/** Bytes that a varint of a whole number from 0 to 2^53 - 1 takes. */
export function varintSizeBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 0x8_0000_0000) return 5;
  if (value < 0x400_0000_0000) return 6;
  return value < 0x2_0000_0000_0000 ? 7 : 8;
}

/** Bytes that protobuf's int32 takes: a negative one is extended to 64 bits. */
export function int32SizeBytes(value: number): number {
  return value < 0 ? 10 : varintSizeBytes(value);
}
