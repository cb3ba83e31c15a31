/** Bytes of a frame's two lengths. */
const PREFIX_BYTES = 8;
/** A header names up to a thousand calls or results, with the tables of their values. */
const HEADER_BYTES_MAX = 256 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** One frame: lengths, the message as JSON, and the payload that its `bytes` are about. */
export function encodeFrame(
  message: object,
  payload: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  const header = encoder.encode(JSON.stringify(message));
  let payloadBytes = 0;
  for (const part of payload) payloadBytes += part.length;
  const frame = new Uint8Array(PREFIX_BYTES + header.length + payloadBytes);
  const view = new DataView(frame.buffer);
  view.setUint32(0, header.length, true);
  view.setUint32(4, payloadBytes, true);
  frame.set(header, PREFIX_BYTES);
  let position = PREFIX_BYTES + header.length;
  for (const part of payload) {
    frame.set(part, position);
    position += part.length;
  }
  return frame;
}

/**
 * Cuts what arrives into frames. `onFrame` gets the parsed header, of which nothing is checked, and
 * the payload. Throws a SyntaxError, TypeError or RangeError for what is no frame.
 */
export function createFrameReader(
  onFrame: (message: unknown, payload: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  /** Bytes that must be there before anything can be read. */
  let needed = PREFIX_BYTES;

  const join = (): Uint8Array => {
    const [only] = chunks;
    const joined = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes);
    chunks = [joined];
    return joined;
  };

  return (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) return;
    const joined = join();
    const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
    let start = 0;
    needed = PREFIX_BYTES;
    while (joined.length - start >= PREFIX_BYTES) {
      const headerBytes = view.getUint32(start, true);
      const payloadBytes = view.getUint32(start + 4, true);
      if (headerBytes > HEADER_BYTES_MAX) throw new RangeError(`a header of ${headerBytes} bytes`);
      const headerStart = start + PREFIX_BYTES;
      const payloadStart = headerStart + headerBytes;
      const end = payloadStart + payloadBytes;
      if (end > joined.length) {
        needed = end - start;
        break;
      }
      const message: unknown = JSON.parse(
        decoder.decode(joined.subarray(headerStart, payloadStart)),
      );
      start = end;
      onFrame(message, joined.subarray(payloadStart, end));
    }
    const rest = joined.subarray(start);
    chunks = rest.length > 0 ? [rest] : [];
    bytes = rest.length;
  };
}
