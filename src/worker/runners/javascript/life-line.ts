import { Socket } from "node:net";
import { createFrameReader } from "../frames.ts";
import type { ToRunner } from "../messages.ts";
import { LIFE_FD } from "./descriptors.ts";
import type { Gate } from "./gate.ts";
import type { Outbox } from "./outbox.ts";

/**
 * Watches the line of life, in a thread of its own: user code may keep the main one busy for ever.
 * When the worker is gone, so is this process, with whatever its functions have started.
 */
export function watchLifeLine(gate: Gate, outbox: Outbox, onAbort: (call: number) => void): void {
  const read = createFrameReader((message) => {
    const urgent = message as Extract<ToRunner, { kind: "take-back" | "abort" }>;
    if (urgent.kind === "abort") {
      // The process may be about to be ended.
      outbox.flush();
      onAbort(urgent.call);
    } else outbox.send(() => ({ kind: "taken-back", begun: gate.takeBack(urgent.sent) }));
  });
  const line = new Socket({ fd: LIFE_FD, readable: true, writable: false });
  line.on("data", read);
  line.on("error", endProcess);
  line.on("close", endProcess);
}

function endProcess(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    // It leads no group of its own.
  }
  process.kill(process.pid, "SIGKILL");
}
