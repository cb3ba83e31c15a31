import { DATA_TYPE } from "../../core/model/symbols.ts";
import { createFileSink, type FileSink } from "./file-sink.ts";
import { FILE_BYTES_MIN, type ValueId } from "./value-id.ts";
import type { ValueTable } from "./value-table.ts";

/** Raw data that comes in pieces and becomes a value: in memory while it is small, else in a file. */
export type RawWriter = {
  /**
   * The chunk must not change until the promise resolves; undefined means that it was copied.
   * Rejects with the system's error, such as a full disk.
   */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Bytes that wait for the disk. */
  readonly unwrittenBytes: number;
  /** The value, which the caller owns. */
  finish(): Promise<ValueId>;
  /** `finish` at once, for data that stayed in memory; undefined if it did not. */
  finishNow(): ValueId | undefined;
  /** Leaves nothing behind. To be called if `finish` is not, or failed. */
  abort(): Promise<void>;
};

/** Mode of the files in the data directory: nothing changes them any more. */
const DATA_FILE_MODE = 0o444;

/** `sizeBytes`, if known, must be what is written in the end. */
export function createRawWriter(
  values: ValueTable,
  { sizeBytes, dataType = DATA_TYPE.data }: { sizeBytes?: number; dataType?: number } = {},
): RawWriter {
  let memory = new Uint8Array(Math.min(sizeBytes ?? 4096, FILE_BYTES_MIN));
  let memoryBytes = 0;
  let totalBytes = 0;
  let sink: FileSink | undefined;
  let endWrite = (): void => {};
  const path = { name: undefined as string | undefined };

  const startFile = (): FileSink => {
    path.name = values.files.createPath();
    if (sizeBytes !== undefined) endWrite = values.files.beginWrite(path.name, sizeBytes);
    sink = createFileSink(path.name, DATA_FILE_MODE);
    return sink;
  };
  if (sizeBytes !== undefined && sizeBytes >= FILE_BYTES_MIN) {
    memory = new Uint8Array(0);
    startFile();
  }

  const spill = (chunk: Uint8Array): Promise<void> => {
    const file = startFile();
    const held = memory.subarray(0, memoryBytes);
    memory = new Uint8Array(0);
    memoryBytes = 0;
    const first = held.length > 0 ? file.write(held) : Promise.resolve();
    const second = file.write(chunk);
    return Promise.all([first, second]).then(() => {});
  };

  const finishNow = (): ValueId | undefined => {
    if (sink !== undefined) return undefined;
    return values.createBytes(memory.subarray(0, memoryBytes), dataType);
  };

  return {
    write(chunk) {
      totalBytes += chunk.length;
      if (sink !== undefined) return sink.write(chunk);
      const needed = memoryBytes + chunk.length;
      if (needed >= FILE_BYTES_MIN) return spill(chunk);
      if (needed > memory.length) {
        const grown = new Uint8Array(Math.min(FILE_BYTES_MIN, Math.max(needed, memory.length * 2)));
        grown.set(memory.subarray(0, memoryBytes));
        memory = grown;
      }
      memory.set(chunk, memoryBytes);
      memoryBytes = needed;
      return undefined;
    },
    get unwrittenBytes() {
      return sink?.unwrittenBytes ?? 0;
    },
    finishNow,
    async finish() {
      const inMemory = finishNow();
      if (inMemory !== undefined) return inMemory;
      await sink?.close();
      endWrite();
      endWrite = () => {};
      return values.createFile(path.name ?? "", totalBytes, { isOwned: true, dataType });
    },
    async abort() {
      if (sink === undefined || path.name === undefined) return;
      // Whatever it failed with was told by `write` or `finish`.
      await sink.close().catch(() => {});
      endWrite();
      endWrite = () => {};
      values.files.unlinkIfThere(path.name);
    },
  };
}
