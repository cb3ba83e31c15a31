/** A running hash of all that happened, in order. Two runs with the same digest took the same path. */
export type History = {
  note(value: number): void;
  noteBytes(bytes: Uint8Array): void;
  /** 16 hexadecimal digits. */
  digest(): string;
};

/** Two lanes of 32-bit FNV-1a (Fowler, Noll, Vo) with different starts; no defense against malice. */
export function createHistory(): History {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  const word = new Float64Array(1);
  const wordBytes = new Uint8Array(word.buffer);
  const noteBytes = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte ^ 0x5c, 0x01000193);
    }
  };
  const note = (value: number): void => {
    word[0] = value;
    noteBytes(wordBytes);
  };
  const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, "0");
  return { note, noteBytes, digest: () => hex(high) + hex(low) };
}
