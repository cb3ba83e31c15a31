import { open } from "node:fs/promises";
import { copyValue } from "../../store/read-value.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";

/** Writes raw data into something that is there already: a pipe, a terminal, `/dev/null`. */
export async function writeIntoExisting(
  values: ValueTable,
  value: ValueId,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(path, "w");
  try {
    const write = async (chunk: Uint8Array): Promise<void> => {
      let written = 0;
      while (written < chunk.length) {
        written += (await handle.write(chunk, written)).bytesWritten;
      }
    };
    await copyValue(values, value, write, { signal });
  } finally {
    await handle.close();
  }
}
