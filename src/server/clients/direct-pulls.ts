import { encodeClientResponse } from "../../protocol/client/client-response.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import { isLoopback, isOfThisMachine } from "../../transport/security/addresses.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { sealTicket } from "../../transport/ticket.ts";
import type { Engine } from "../engine.ts";
import type { Deliver } from "./delivery.ts";

/** From this size on, a connection of its own costs less than the way through the server. */
const DIRECT_BYTES_MIN = 4 * 1024 * 1024;
/** A client that failed so often cannot reach the workers, and is asked no more. */
const FAILURES_MAX = 3;

/** Results that the client pulls from the workers by itself. */
export type DirectPulls = {
  /** Tells the client where the result is; false if it is better passed on by the server. */
  begin(command: Deliver): boolean;
  /** The oldest one of that task has ended; undefined if there is none. */
  end(clientTask: number, isComplete: boolean): Deliver | undefined;
  /** Ends all; the client is gone. */
  endAll(): Deliver[];
};

export function createDirectPulls(
  engine: Engine,
  connection: TcpConnection,
  { isOn, send }: { readonly isOn: boolean; readonly send: (bytes: Uint8Array) => void },
): DirectPulls {
  // Whoever speaks with us in the clear from another machine is not spoken with by workers.
  const isReached = connection.certifiedRole !== undefined || isOfThisMachine(connection);
  const underWay = new Map<number, Deliver[]>();
  let failures = 0;
  return {
    begin(command) {
      const { clientTask, task, attempt, holders, sizeBytes } = command;
      if (!isOn || !isReached || failures >= FAILURES_MAX || sizeBytes < DIRECT_BYTES_MIN)
        return false;
      const worker = engine.workers.get(holders[0] ?? -1);
      if (worker === undefined) return false;
      const { host, port } = worker.address;
      // A worker that joined through the loopback listens there, where no other host reaches it.
      if (isLoopback(host) && !isLoopback(connection.remoteHost)) return false;
      const ticket = sealTicket(worker.ticketKey, { workerId: worker.id, task, attempt });
      const writer = new ByteWriter();
      const location = { host, port, task, attempt, ticket };
      encodeClientResponse(writer, { kind: "dataAt", id: clientTask, location });
      const others = underWay.get(clientTask);
      if (others === undefined) underWay.set(clientTask, [command]);
      else others.push(command);
      send(writer.take());
      return true;
    },
    end(clientTask, isComplete) {
      const commands = underWay.get(clientTask);
      const command = commands?.shift();
      if (commands?.length === 0) underWay.delete(clientTask);
      if (command !== undefined && !isComplete) failures += 1;
      return command;
    },
    endAll() {
      const all = [...underWay.values()].flat();
      underWay.clear();
      return all;
    },
  };
}
