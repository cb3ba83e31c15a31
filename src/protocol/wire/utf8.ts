import { tryDecodeUtf8 } from "../../core/base/utf8.ts";
import { unexpected } from "../protocol-error.ts";

/** For names and paths, which must arrive as they were meant. Throws a ProtocolError. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = tryDecodeUtf8(bytes);
  if (text === undefined) throw unexpected("text in UTF-8", `${bytes.length} bytes that are not`);
  return text;
}
