import { readFileSync } from "node:fs";
import type { ProgramStart } from "./program.ts";

/**
 * Variables that this process was started with and whose bytes are not UTF-8. Node's `process.env`,
 * and so the environment that it gives to a launcher, holds them garbled.
 */
export function listRawVariables(): ProgramStart["env"] {
  let environment: Buffer;
  try {
    environment = readFileSync("/proc/self/environ");
  } catch {
    // Without /proc there is nothing better than what Node says.
    return [];
  }
  const variables: { name: Uint8Array; value: Uint8Array }[] = [];
  for (let at = 0; at < environment.length; ) {
    const found = environment.indexOf(0, at);
    const end = found < 0 ? environment.length : found;
    const entry = environment.subarray(at, end);
    at = end + 1;
    const nameSize = entry.indexOf("=");
    // Most environments are plain ASCII: nothing is decoded for them.
    if (nameSize < 1 || entry.every((byte) => byte < 0x80)) continue;
    const name = entry.subarray(0, nameSize);
    const value = entry.subarray(nameSize + 1);
    const text = value.toString();
    // A variable that the worker itself has changed since then is not ours to undo.
    if (Buffer.from(text).equals(value) || process.env[name.toString()] !== text) continue;
    variables.push({ name, value });
  }
  return variables;
}
