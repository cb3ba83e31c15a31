import { FORMAT_CLIENT_FRAMES } from "../../protocol/peer/messages.ts";
import type { Engine } from "../engine.ts";
import {
  type Deliver,
  type DeliveryEnd,
  dataHeader,
  type FramesHeader,
  type Line,
} from "./delivery.ts";
import { reportMissing } from "./gather-frames.ts";
import { type FramesRequest, openPuller } from "./pullers.ts";

/** What is known of a stream, over all holders that it comes from. */
type Progress = {
  header: FramesHeader | undefined;
  totalBytes: number;
  sentBytes: number;
};

/**
 * Passes a large object through to the client, holding no more than a few MiB of it. When a holder
 * is lost on the way, another one of the same attempt goes on where it ended.
 */
export async function streamFrames(
  engine: Engine,
  line: Line,
  command: Deliver,
): Promise<DeliveryEnd> {
  const progress: Progress = { header: undefined, totalBytes: 0, sentBytes: 0 };
  for (const workerId of command.holders) {
    if (line.signal.aborted) break;
    const end = await streamFrom(engine, line, command, workerId, progress);
    if (end === "missing") reportMissing(engine, workerId, command.task, command.attempt);
    if (end === "complete") return "delivered";
  }
  return progress.header === undefined ? "not-begun" : "broken";
}

function streamFrom(
  engine: Engine,
  line: Line,
  command: Deliver,
  workerId: number,
  progress: Progress,
): Promise<"complete" | "missing" | "failed"> {
  const puller = openPuller(engine, workerId);
  if (puller === undefined) return Promise.resolve("failed");
  const { connection, signal } = line;
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (end: "complete" | "missing" | "failed"): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener("abort", onAbort);
      puller.destroy();
      resolve(end);
    };
    const onAbort = (): void => settle("failed");
    signal.addEventListener("abort", onAbort, { once: true });

    const { task, attempt } = command;
    const request: FramesRequest = {
      task,
      attempt,
      format: FORMAT_CLIENT_FRAMES,
      fromBytes: progress.sentBytes,
    };
    puller.request(request, {
      onHeader: (header, payloadBytes) => {
        const totalBytes = progress.sentBytes + payloadBytes;
        if (progress.header === undefined) {
          progress.header = header;
          progress.totalBytes = totalBytes;
          line.write(dataHeader(command, header));
        } else if (progress.totalBytes !== totalBytes) {
          engine.log("error", "replicas of one object differ", { task, worker: workerId });
          settle("failed");
        }
      },
      onPayload: (bytes) => {
        if (isSettled) return undefined;
        progress.sentBytes += bytes.length;
        line.write(bytes);
        // The memory is used again when the client has the bytes, and the worker waits for it.
        return connection.drained();
      },
      onEnd: () => settle("complete"),
      onMissing: () => settle("missing"),
      onFailed: (reason) => {
        engine.log("warning", "result broke off", { task, worker: workerId, reason });
        settle("failed");
      },
    });
  });
}
