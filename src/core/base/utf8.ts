/**
 * Text to UTF-8 and back. Both classes exist in every JavaScript host, but in no library of the
 * compiler that is free of a host, so their part that is used here is declared by hand.
 */
declare const TextEncoder: {
  new (): {
    encode(text: string): Uint8Array<ArrayBuffer>;
    encodeInto(text: string, into: Uint8Array): { readonly written: number };
  };
};
declare const TextDecoder: {
  new (
    label: "utf-8",
    options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
  ): { decode(bytes: Uint8Array): string };
};

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** A lone surrogate becomes U+FFFD, here and in the two functions below. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Writes the text at the start of `into`, which must have room for it. */
export function encodeUtf8Into(text: string, into: Uint8Array): void {
  encoder.encodeInto(text, into);
}

/** Bytes that the text takes in UTF-8. */
export function utf8LengthBytes(text: string): number {
  let lengthBytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      lengthBytes += 1;
      continue;
    }
    lengthBytes += 2;
    // A pair of surrogates is two units and four bytes: two are counted by `length`, two just now.
    if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) i++;
  }
  return lengthBytes;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The text; undefined where the bytes are no UTF-8. */
export function tryDecodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** For what only a person reads: what is not UTF-8 becomes U+FFFD. */
export function decodeUtf8Lossy(bytes: Uint8Array): string {
  return lossy.decode(bytes);
}
