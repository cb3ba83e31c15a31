import { writeSync } from "node:fs";
import type { CallResult, FromRunner } from "../messages.ts";
import { FRAMES_FD, retried } from "./descriptors.ts";
import type { Gate } from "./gate.ts";

/*
 * Memory that both threads see, so that results which wait to be sent together do not wait for a
 * call that takes long:
 *
 *     int32 0     bytes of the text
 *     int32 1     bytes of the payload
 *     then        the text: results, each with a comma before it
 *     then        the payload
 */
const HEAD_BYTES = 8;
const TEXT_BYTES = 64 * 1024;
const PAYLOAD_BYTES = 192 * 1024;

/** Of a UTF-16 unit. */
const UTF8_BYTES_MAX = 3;
const PREFIX_BYTES = 8;
const START = Buffer.from('{"kind":"results","results":[');
const END = Buffer.from("]}");

/** What goes to the worker. Both threads may have one, over the same gate and memory. */
export type Outbox = {
  readonly shared: SharedArrayBuffer;
  readonly isEmpty: boolean;
  /** Keeps the result, to be sent with others; sends at once what is large. */
  add(result: CallResult, payload: readonly Uint8Array[]): void;
  /** Sends the results that are kept. */
  flush(): void;
  /** Sends a message, behind the results. `make` is called while nothing else can be sent. */
  send(make: () => FromRunner): void;
};

export function createOutbox(
  gate: Gate,
  shared: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + TEXT_BYTES + PAYLOAD_BYTES),
): Outbox {
  const lengths = new Int32Array(shared, 0, 2);
  const text = Buffer.from(shared, HEAD_BYTES, TEXT_BYTES);
  const kept = Buffer.from(shared, HEAD_BYTES + TEXT_BYTES, PAYLOAD_BYTES);

  const flush = (): void => {
    const [textBytes = 0, payloadBytes = 0] = lengths;
    if (textBytes === 0) return;
    // Without the first comma.
    const results = text.subarray(1, textBytes);
    const header = Buffer.concat([START, results, END]);
    write(header, [kept.subarray(0, payloadBytes)]);
    lengths.fill(0);
  };

  const keep = (own: string, payload: readonly Uint8Array[]): void => {
    const textBytes = lengths[0] as number;
    lengths[0] = textBytes + text.write(own, textBytes);
    for (const part of payload) {
      kept.set(part, lengths[1]);
      lengths[1] = (lengths[1] as number) + part.length;
    }
  };

  return {
    shared,
    get isEmpty() {
      return lengths[0] === 0;
    },
    add(result, payload) {
      const own = `,${JSON.stringify(result)}`;
      let payloadBytes = 0;
      for (const part of payload) payloadBytes += part.length;
      const isLarge = own.length * UTF8_BYTES_MAX > TEXT_BYTES || payloadBytes > PAYLOAD_BYTES;
      gate.lock();
      const isFull =
        (lengths[0] as number) + own.length * UTF8_BYTES_MAX > TEXT_BYTES ||
        (lengths[1] as number) + payloadBytes > PAYLOAD_BYTES;
      if (isLarge || isFull) flush();
      if (isLarge) write(encodeHeader({ kind: "results", results: [result] }), payload);
      else keep(own, payload);
      gate.unlock();
    },
    flush: () => {
      gate.lock();
      flush();
      gate.unlock();
    },
    send: (make) => {
      gate.lock();
      flush();
      write(encodeHeader(make()), []);
      gate.unlock();
    },
  };
}

const encodeHeader = (message: FromRunner): Buffer => Buffer.from(JSON.stringify(message));

function write(header: Buffer, payload: readonly Uint8Array[]): void {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(header.length, 0);
  prefix.writeUInt32LE(
    payload.reduce((sum, part) => sum + part.length, 0),
    4,
  );
  const frame = Buffer.concat([prefix, header, ...payload]);
  let written = 0;
  while (written < frame.length) {
    written += retried(() => writeSync(FRAMES_FD, frame, written, frame.length - written));
  }
}
