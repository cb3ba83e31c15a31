/** Of each stream of a task, so much of its beginning and of its end is kept. */
export const HEAD_BYTES: number = 64 * 1024;
export const TAIL_BYTES: number = 64 * 1024;

/**
 * Text that is appended to without end, of which the beginning and the end are kept.
 *
 *     | head | ... not kept ... | tail |
 *     0                         totalBytes - tail
 */
export class TextLog {
  #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #totalBytes = 0;

  get keptBytes(): number {
    return this.#headBytes + this.#tailBytes;
  }

  append(bytes: Uint8Array): void {
    this.#totalBytes += bytes.length;
    const room = HEAD_BYTES - this.#headBytes;
    const toHead = this.#tailBytes > 0 ? 0 : Math.min(room, bytes.length);
    if (toHead > 0) {
      this.#head.push(bytes.slice(0, toHead));
      this.#headBytes += toHead;
    }
    if (toHead === bytes.length) return;
    this.#tail.push(bytes.slice(Math.max(toHead, bytes.length - TAIL_BYTES)));
    this.#tailBytes += this.#tail.at(-1)?.length ?? 0;
    this.#dropTail();
  }

  /** So many bytes come that are not kept. The head must be full. */
  skip(count: number): void {
    this.#totalBytes += count;
  }

  /** One piece each in place of many: nothing more comes. */
  compact(): void {
    if (this.#head.length > 1) this.#head = [Buffer.concat(this.#head)];
    if (this.#tail.length > 1) this.#tail = [Buffer.concat(this.#tail)];
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  read(
    position: number,
    bytesMax: number,
  ): { bytes: Uint8Array; next: number; skippedBytes: number; isAtEnd: boolean } {
    const tailStart = this.#totalBytes - this.#tailBytes;
    const isInGap = position >= this.#headBytes && position < tailStart;
    const start = Math.min(isInGap ? tailStart : position, this.#totalBytes);
    const isInHead = start < this.#headBytes;
    const all = Buffer.concat(isInHead ? this.#head : this.#tail);
    const from = start - (isInHead ? 0 : tailStart);
    const bytes = all.subarray(from, from + bytesMax);
    const next = start + bytes.length;
    return { bytes, next, skippedBytes: start - position, isAtEnd: next >= this.#totalBytes };
  }

  /** Whole pieces go, so that little is copied; a last piece is cut once it is much too large. */
  #dropTail(): void {
    while (this.#tailBytes - (this.#tail[0]?.length ?? 0) >= TAIL_BYTES) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0;
    }
  }
}
