import { encodeOffsets } from "../../store/index-offsets.ts";
import { createRawWriter } from "../../store/raw-writer.ts";
import { copyValue, isQuick, readQuick } from "../../store/read-value.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { type Builtin, type BuiltinTask, onlyInput, requireRaw } from "./builtin.ts";

/** Small enough that a chunk of empty lines takes a few milliseconds. */
const SPLIT_CHUNK_BYTES = 128 * 1024;
/** What is larger is split aside. */
const SPLIT_NOW_BYTES_MAX = 32 * 1024;

const NEWLINE = Uint8Array.of(0x0a);

/** `loom/data/split`: an index of the input's items, each with the delimiter that ends it. */
export const splitBuiltin: Builtin = {
  now: (task) => {
    const { values } = task;
    const input = onlyInput(task);
    requireRaw(values, input, 0);
    if (values.sizeBytes(input) > SPLIT_NOW_BYTES_MAX || !isQuick(values, input)) return undefined;
    const bytes = readQuick(values, input);
    const splitter = createSplitter(delimiterOf(task));
    const ends = [0, ...splitter.feed(bytes), ...splitter.end()];
    return createIndex(values, input, values.createBytes(encodeOffsets(ends)));
  },
  aside: async (task, signal) => {
    const { values } = task;
    const input = onlyInput(task);
    const splitter = createSplitter(delimiterOf(task));
    const writer = createRawWriter(values);
    try {
      await writer.write(encodeOffsets([0]));
      await copyValue(values, input, (chunk) => writer.write(encodeOffsets(splitter.feed(chunk))), {
        chunkBytes: SPLIT_CHUNK_BYTES,
        signal,
      });
      await writer.write(encodeOffsets(splitter.end()));
      return createIndex(values, input, await writer.finish());
    } catch (error) {
      await writer.abort();
      throw error;
    }
  },
};

function delimiterOf({ config }: BuiltinTask): Uint8Array {
  return config.length === 0 ? NEWLINE : config;
}

/** Takes over the reference to the offsets. */
function createIndex(values: ValueTable, base: ValueId, offsets: ValueId): ValueId {
  const index = values.createIndex(base, offsets);
  values.release(offsets);
  return index;
}

type Splitter = {
  /** Ends of the items that the chunk completes, counted from the start of all. */
  feed(chunk: Uint8Array): number[];
  /** The end of a last item without a delimiter, if there is one. */
  end(): number[];
};

/** Finds the ends of items in a stream, also where a delimiter lies across two chunks. */
function createSplitter(delimiter: Uint8Array): Splitter {
  const single = delimiter.length === 1 ? delimiter[0] : undefined;
  const wanted = Buffer.from(delimiter);
  /** The end of the stream so far that may be the beginning of a delimiter. */
  let held: Uint8Array = new Uint8Array(0);
  let totalBytes = 0;
  let lastEnd = 0;

  return {
    feed(chunk) {
      const bytes =
        held.length === 0
          ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
          : Buffer.concat([held, chunk]);
      const startBytes = totalBytes - held.length;
      const ends: number[] = [];
      let position = 0;
      for (;;) {
        const found =
          single === undefined ? bytes.indexOf(wanted, position) : bytes.indexOf(single, position);
        if (found < 0) break;
        position = found + wanted.length;
        ends.push(startBytes + position);
      }
      totalBytes += chunk.length;
      if (ends.length > 0) lastEnd = startBytes + position;
      const keepFrom = Math.max(position, bytes.length - wanted.length + 1);
      held =
        keepFrom < bytes.length ? Uint8Array.from(bytes.subarray(keepFrom)) : new Uint8Array(0);
      return ends;
    },
    end: () => (totalBytes > lastEnd ? [totalBytes] : []),
  };
}
