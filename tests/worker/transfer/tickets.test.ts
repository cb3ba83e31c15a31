import { expect, test } from "vitest";
import { FORMAT_CLIENT_FRAMES, FORMAT_TREE } from "../../../src/protocol/peer/messages.ts";
import { openPullConnection } from "../../../src/transport/pull-connection.ts";
import { createTicketKey, openTicket, sealTicket } from "../../../src/transport/ticket.ts";
import { putObject } from "../../../src/worker/store/store.ts";
import { createRedeemer } from "../../../src/worker/transfer/redeem-ticket.ts";
import { startHolder } from "../support/test-peers.ts";

const WORKER = 7;

/** The answers to requests for objects 1 and 2 by who shows the ticket. */
function pullBoth(port: number, ticket: Uint8Array): Promise<string[]> {
  return new Promise((resolve) => {
    const told: string[] = [];
    const tell = (what: string): void => {
      told.push(what);
      if (told.length < 2 && !what.includes(":")) return;
      connection.destroy();
      resolve(told);
    };
    const connection = openPullConnection(
      { host: "127.0.0.1", port, identity: { ticket } },
      {
        onAnswer: ({ kind }) => tell(kind),
        onPayload: () => undefined,
        onObjectEnd: () => {},
        onClose: (reason) => tell(reason),
      },
    );
    connection.pull([
      { requestId: 1, task: 1, attempt: 3, format: FORMAT_CLIENT_FRAMES },
      { requestId: 2, task: 2, attempt: 3, format: FORMAT_TREE },
    ]);
  });
}

async function startWithTwoObjects() {
  const key = createTicketKey();
  const holder = await startHolder(undefined, createRedeemer(WORKER, key));
  for (const task of [1, 2]) {
    putObject(holder, task, 3, holder.values.createBytes(Buffer.from("secret")));
  }
  return { key, holder };
}

test("a ticket opens one object, once", async () => {
  const { key, holder } = await startWithTwoObjects();
  const ticket = sealTicket(key, { workerId: WORKER, task: 1, attempt: 3 });
  expect(await pullBoth(holder.port, ticket)).toEqual(["object-frames", "missing"]);
  expect(await pullBoth(holder.port, ticket)).toEqual(["refused: this ticket is not good here"]);
  const another = sealTicket(key, { workerId: WORKER, task: 2, attempt: 3 });
  expect(await pullBoth(holder.port, another)).toEqual(["missing", "object"]);
});

test("tickets of other servers, for other workers, or changed on the way are refused", async () => {
  const { key, holder } = await startWithTwoObjects();
  const good = sealTicket(key, { workerId: WORKER, task: 1, attempt: 3 });
  const changed = Uint8Array.from(good);
  changed[4] = 2;
  const bad = [
    sealTicket(createTicketKey(), { workerId: WORKER, task: 1, attempt: 3 }),
    sealTicket(key, { workerId: WORKER + 1, task: 1, attempt: 3 }),
    changed,
    good.subarray(1),
    new Uint8Array(0),
  ];
  for (const ticket of bad) {
    expect(await pullBoth(holder.port, ticket)).toEqual(["refused: this ticket is not good here"]);
  }
  expect(openTicket(key, good)).toMatchObject({ workerId: WORKER, task: 1, attempt: 3 });
});
