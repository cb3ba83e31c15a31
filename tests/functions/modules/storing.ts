// A function whose result takes as long to be stored as a test wants.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { type Items, items } from "hyperloom";

/** So many bytes are stored in a file. */
const SIZE_BYTES = 2_000_000;

/** The first part of the result is stored when it says that it runs; the second is, when `hold` is gone. */
export function store(running: string, hold: string): Items<readonly [Uint8Array, object]> {
  const second = {
    get part(): number {
      writeFileSync(`${running}.new`, `${process.pid} ${process.ppid}`);
      renameSync(`${running}.new`, running);
      while (existsSync(hold));
      return 2;
    },
  };
  return items([Buffer.alloc(SIZE_BYTES, 1), second]);
}
