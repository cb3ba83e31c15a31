import { expect, test } from "vitest";
import { connectTcp } from "../../src/transport/connect-tcp.ts";
import { startHeartbeat } from "../../src/transport/heartbeat.ts";
import { listenTcp } from "../../src/transport/listen-tcp.ts";

const quiet = { onData: (): void => {}, onClose: (): void => {} };

async function beatUntilSilent(answersMax: number): Promise<{ beats: number; silentMs: number }> {
  let answers = 0;
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (connection) => ({
    onData: () => {
      if (answers++ < answersMax) connection.send(Uint8Array.of(1));
    },
    onClose: () => {},
  }));
  const connection = await connectTcp({ host: "127.0.0.1", port: listener.port }, () => quiet);
  let beats = 0;
  const silentMs = await new Promise<number>((onSilent) =>
    startHeartbeat(connection, {
      intervalMs: 10,
      silentBeatsMax: 4,
      beat: () => {
        beats += 1;
        connection.send(Uint8Array.of(0));
      },
      onSilent,
    }),
  );
  await listener[Symbol.asyncDispose]();
  return { beats, silentMs };
}

test("a peer that answers lives on, one that falls silent is given up", async () => {
  expect(await beatUntilSilent(0)).toEqual({ beats: 4, silentMs: 40 });
  const { beats } = await beatUntilSilent(10);
  expect(beats).toBeGreaterThanOrEqual(12);
});
