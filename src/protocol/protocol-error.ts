/**
 * Bytes that cannot be decoded, or that break a rule of the protocol. Its message goes to the peer,
 * so it says what was expected and what came, and repeats nothing long from the bytes.
 */
export class ProtocolError extends Error {
  override readonly name: string = "ProtocolError";
}

/** A ProtocolError in the usual words. */
export function unexpected(expected: string, found: string): ProtocolError {
  return new ProtocolError(`expected ${expected}, got ${found}`);
}
