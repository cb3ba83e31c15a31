import { unexpected } from "../protocol-error.ts";

/**
 * What `allocate` returns; a ProtocolError where the host has no memory for it. For sizes that a
 * peer decides on within its limits: too little memory for them is no reason to end the process.
 */
export function allocateFor<Value>(purpose: string, allocate: () => Value): Value {
  try {
    return allocate();
  } catch (error) {
    if (error instanceof RangeError) throw unexpected(`memory for ${purpose}`, "none");
    throw error;
  }
}
