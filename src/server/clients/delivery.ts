import type { SchedulerCommand } from "../../core/scheduler/commands.ts";
import { encodeClientResponse } from "../../protocol/client/client-response.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";

/** The scheduler's command to pass a result on to a client. */
export type Deliver = Extract<SchedulerCommand, { kind: "deliver" }>;

/** The scheduler's command to send a small result whose bytes came with it. */
export type DeliverHeld = Extract<SchedulerCommand, { kind: "deliver-held" }>;

/** How a delivery ended: all sent; nothing sent and to be tried again; or the client's stream is broken. */
export type DeliveryEnd = "delivered" | "not-begun" | "broken";

/** The line to the client: one stream at a time has it, and messages wait for its end. */
export type Line = {
  readonly connection: TcpConnection;
  readonly signal: AbortSignal;
  /** Writes now. Only for whoever has the line. */
  write(bytes: Uint8Array): void;
};

/** What a DATA message says of the frames that follow it. */
export type FramesHeader = { readonly typeId: number; readonly messageCount: number };

export function dataHeader(
  { clientTask }: Deliver | DeliverHeld,
  header: FramesHeader,
): Uint8Array {
  const writer = new ByteWriter();
  encodeClientResponse(writer, {
    kind: "data",
    id: clientTask,
    frameCount: header.messageCount,
    dataType: header.typeId,
  });
  return writer.take();
}
