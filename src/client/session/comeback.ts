import type { TcpConnection, TcpHandlers } from "../../transport/tcp-connection.ts";

/** Connects, and says who comes back. */
export type Reconnect = (
  handlersOf: (connection: TcpConnection) => TcpHandlers,
  ticket: { readonly id: string; readonly secret: Uint8Array },
  signal: AbortSignal,
) => Promise<TcpConnection>;

/** A server that accepts connections and does not answer is no server. */
const ANSWER_MS = 5_000;

/** Tries to come back, when it is told to. */
export class Comeback {
  readonly #connect: () => Promise<TcpConnection>;
  readonly #onFailed: (error: Error) => void;
  readonly #aborting = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** Until the server has answered. */
  #limit: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly reconnect: (signal: AbortSignal) => Promise<TcpConnection>;
    /** No connection came to be. The end of one is told by itself. */
    readonly onFailed: (error: Error) => void;
  }) {
    this.#connect = () => options.reconnect(this.#aborting.signal);
    this.#onFailed = options.onFailed;
  }

  /** Tries after about this time: many clients are not to come at once. */
  tryAfter(afterMs: number): void {
    const pauseMs = afterMs * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#try(), pauseMs);
  }

  /** The server has answered. */
  succeed(): void {
    clearTimeout(this.#limit);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#limit);
    this.#aborting.abort();
  }

  async #try(): Promise<void> {
    try {
      const connection = await this.#connect();
      if (this.#aborting.signal.aborted) connection.destroy();
      clearTimeout(this.#limit);
      this.#limit = setTimeout(() => connection.destroy(), ANSWER_MS);
    } catch (error) {
      if (!this.#aborting.signal.aborted) this.#onFailed(error as Error);
    }
  }
}
