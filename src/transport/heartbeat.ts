import type { TcpConnection } from "./tcp-connection.ts";

export type HeartbeatOptions = {
  readonly intervalMs: number;
  /** Beats without any byte from the peer after which it is given up. */
  readonly silentBeatsMax: number;
  /** Sends one beat. */
  readonly beat: () => void;
  /** The peer was silent for so long. Called once. */
  readonly onSilent: (silentMs: number) => void;
};

/**
 * Beats at intervals and watches that the peer is heard of. Counts beats, not time: a process that
 * was stopped for a minute has not heard its peers either, and gives each a full round to speak.
 */
export function startHeartbeat(
  connection: TcpConnection,
  { intervalMs, silentBeatsMax, beat, onSilent }: HeartbeatOptions,
): Disposable {
  let heardBytes = connection.receivedBytes;
  let silentBeats = 0;
  const timer = setInterval(() => {
    beat();
    // After the reads that are due in this turn.
    setImmediate(() => {
      if (connection.receivedBytes !== heardBytes) {
        heardBytes = connection.receivedBytes;
        silentBeats = 0;
      } else if (++silentBeats === silentBeatsMax) {
        clearInterval(timer);
        if (!connection.isClosed) onSilent(silentBeats * intervalMs);
      }
    });
  }, intervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
