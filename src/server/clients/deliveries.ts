import type { TcpConnection } from "../../transport/tcp-connection.ts";
import type { Engine } from "../engine.ts";
import {
  type Deliver,
  type DeliverHeld,
  type DeliveryEnd,
  dataHeader,
  type Line,
} from "./delivery.ts";
import { createDirectPulls } from "./direct-pulls.ts";
import { gatherFrames } from "./gather-frames.ts";
import { streamFrames } from "./stream-frames.ts";

/** Up to here an object is gathered whole before its DATA header is sent; above, it is passed through. */
export const GATHERED_BYTES_MAX: number = 16 * 1024 * 1024;
/** Bytes on their way to one client, gathered or unsent, beyond which no other delivery begins. */
const UNDER_WAY_BYTES_MAX = 16 * 1024 * 1024;
/** What a delivery counts beside its bytes. */
const DELIVERY_OVERHEAD_BYTES = 256;
/** Nobody gave the object: how long until the next try, while the scheduler may hear why. */
const RETRY_MS = 100;

/** What goes to one client: messages, and the results that it fetches, in whole contiguous pieces. */
export type Deliveries = {
  /** The client has pulled the result of its task from where it was told, or could not. */
  onPullEnded(clientTask: number, isComplete: boolean): void;
  /** Sends a message, after the result that is being sent now, if one is. */
  send(bytes: Uint8Array): void;
  deliver(command: Deliver | DeliverHeld): void;
  /** The client is gone: ends what is under way and tells the scheduler. */
  abandon(): void;
  closeAfterSent(): void;
};

export function createDeliveries(
  engine: Engine,
  clientId: number,
  connection: TcpConnection,
  { takesDirect }: { readonly takesDirect: boolean },
): Deliveries {
  const aborting = new AbortController();
  const line: Line = {
    connection,
    signal: aborting.signal,
    write: (bytes) => connection.send(bytes),
  };
  const queue: (Deliver | DeliverHeld)[] = [];
  /** Messages that wait for the end of a stream; undefined when there is none. */
  let held: Uint8Array[] | undefined;
  let gatheringBytes = 0;
  let closeWhenFree = false;

  const sendOrHold = (bytes: Uint8Array): void => {
    if (held === undefined) connection.send(bytes);
    else held.push(bytes);
  };

  const finish = ({ task, attempt }: Deliver, end: DeliveryEnd): void => {
    if (aborting.signal.aborted) {
      engine.step({ kind: "delivery-ended", task, attempt });
    } else if (end === "not-begun") {
      const tryAgain = (): void => {
        // A client that is gone by then does not want it any more, or asks again.
        const kind = aborting.signal.aborted ? "delivery-ended" : "delivery-failed";
        engine.step({ kind, task, attempt });
      };
      setTimeout(tryAgain, RETRY_MS).unref();
    } else {
      engine.step({ kind: "delivery-ended", task, attempt });
      if (end === "broken") {
        engine.log("error", "a result broke off while it was sent; client disconnected", {
          client: clientId,
          task,
        });
        connection.destroy();
      }
    }
    startNext();
  };

  const gather = async (command: Deliver, countedBytes: number): Promise<void> => {
    gatheringBytes += countedBytes;
    const gathered = await gatherFrames(engine, command, aborting.signal);
    gatheringBytes -= countedBytes;
    if (gathered !== undefined && !aborting.signal.aborted) {
      const { header, frames } = gathered;
      sendOrHold(dataHeader(command, header));
      for (const bytes of frames) sendOrHold(bytes);
    }
    finish(command, gathered === undefined ? "not-begun" : "delivered");
  };

  const stream = async (command: Deliver): Promise<void> => {
    held = [];
    const end = await streamFrames(engine, line, command);
    const messages = held;
    held = undefined;
    for (const bytes of messages) connection.send(bytes);
    if (closeWhenFree) connection.end();
    finish(command, end);
  };

  const sendHeld = (command: DeliverHeld): void => {
    const { dataType, frameCount, bytes } = command;
    sendOrHold(dataHeader(command, { typeId: dataType, messageCount: frameCount }));
    sendOrHold(bytes);
  };

  let isWaiting = false;
  const startNext = (): void => {
    while (queue.length > 0 && held === undefined && !aborting.signal.aborted) {
      const [command] = queue;
      if (command === undefined) return;
      const isHeld = command.kind === "deliver-held";
      const sizeBytes = isHeld ? command.bytes.length : command.sizeBytes;
      const isLarge = sizeBytes > GATHERED_BYTES_MAX;
      const countedBytes = sizeBytes + DELIVERY_OVERHEAD_BYTES;
      const underWayBytes = gatheringBytes + connection.unsentBytes;
      if (underWayBytes > 0 && underWayBytes + (isLarge ? 0 : countedBytes) > UNDER_WAY_BYTES_MAX) {
        waitForRoom();
        return;
      }
      // A stream needs the line for itself, so what is being gathered goes first.
      if (isLarge && gatheringBytes > 0) return;
      queue.shift();
      if (isHeld) sendHeld(command);
      else void (isLarge ? stream(command) : gather(command, countedBytes));
    }
  };

  const waitForRoom = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    void connection.drained(UNDER_WAY_BYTES_MAX / 4).then(() => {
      isWaiting = false;
      startNext();
    });
  };

  const direct = createDirectPulls(engine, connection, { isOn: takesDirect, send: sendOrHold });

  return {
    send: sendOrHold,
    onPullEnded(clientTask, isComplete) {
      const command = direct.end(clientTask, isComplete);
      if (command === undefined) return;
      const { task, attempt } = command;
      if (isComplete) engine.step({ kind: "delivery-ended", task, attempt });
      else {
        queue.push(command);
        startNext();
      }
    },
    deliver(command) {
      if (command.kind === "deliver" && direct.begin(command)) return;
      queue.push(command);
      if (command.kind === "deliver-held" && queue.length === 1) {
        // Nothing else begins with it, and its end is no event.
        startNext();
        return;
      }
      // Not now: the scheduler's commands are being carried out, and a delivery's end is an event.
      queueMicrotask(startNext);
    },
    abandon() {
      aborting.abort();
      for (const command of [...queue.splice(0), ...direct.endAll()]) {
        if (command.kind === "deliver-held") continue;
        const { task, attempt } = command;
        engine.step({ kind: "delivery-ended", task, attempt });
      }
    },
    closeAfterSent() {
      if (held === undefined) connection.end();
      else closeWhenFree = true;
    },
  };
}
