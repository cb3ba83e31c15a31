import { setTimeout as delay } from "node:timers/promises";
import { durationText } from "../core/base/units.ts";
import type { Register } from "../protocol/client/register.ts";
import type { ToWorker } from "../protocol/worker/messages.ts";
import { connectToServer, type ServerLink } from "./server-link.ts";
import { passOf, type WorkerOptions } from "./worker-options.ts";

type Welcome = Extract<ToWorker, { kind: "welcome" }>;

/** The wait between two tries: doubled each time, and shortened by chance, so that many do not come at once. */
const WAIT_MS_MIN = 50;
const WAIT_MS_MAX = 2_000;
/** A server answers a registration at once, unless it is busy with many others. */
const WELCOME_TIMEOUT_MS = 10_000;

export type ComingBack = {
  readonly register: Register;
  readonly signal: AbortSignal;
  /** Before any other message of the connection. */
  readonly onWelcome: (link: ServerLink, welcome: Welcome) => void;
  readonly onMessage: (message: ToWorker) => void;
  /** The connection on which the welcome came is gone again. */
  readonly onLost: (reason: string) => void;
};

type Outcome =
  | { readonly kind: "welcomed" }
  | { readonly kind: "refused" | "failed"; readonly reason: string };

/**
 * Connects to the server anew, for as long as the options say. Resolves when that has welcomed the
 * worker, or it was called off; else with the reason why the worker is to end.
 */
export async function comeBack(
  options: WorkerOptions,
  reason: string,
  coming: ComingBack,
): Promise<string | undefined> {
  const { log, reattachForMs = 0 } = options;
  if (reattachForMs === 0) return reason;
  const { signal } = coming;
  const sinceMs = performance.now();
  const limit = durationText(reattachForMs);
  log("warning", "lost the server: what runs goes on, and it is looked for", { reason, limit });
  for (let waitMs = WAIT_MS_MIN; ; waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)) {
    const outcome = await tryOnce(options, coming);
    if (signal.aborted) return undefined;
    if (outcome.kind === "welcomed") {
      log("info", "is back at the server, with what it holds and runs");
      return undefined;
    }
    if (outcome.kind === "refused") return `${reason}; it was found, and said: ${outcome.reason}`;
    if (performance.now() - sinceMs >= reattachForMs) {
      return `${reason}; it was looked for in vain for ${limit}: ${outcome.reason}`;
    }
    await delay(waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
  }
}

async function tryOnce(options: WorkerOptions, coming: ComingBack): Promise<Outcome> {
  const { signal } = coming;
  let settle = (_: Outcome): void => {};
  const settled = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  let isWelcomed = false;
  const address = { host: options.serverHost, port: options.serverPort, retryForMs: 0 };
  let timer: NodeJS.Timeout | undefined;
  try {
    const link = await connectToServer(
      { ...address, pass: passOf(options), signal },
      {
        onMessage: (message) => {
          if (message.kind !== "welcome") {
            if (isWelcomed) coming.onMessage(message);
            return;
          }
          isWelcomed = true;
          coming.onWelcome(link, message);
          settle({ kind: "welcomed" });
        },
        onEnd: (text, isRefused) => {
          if (isWelcomed) coming.onLost(text);
          else settle({ kind: isRefused ? "refused" : "failed", reason: text });
        },
      },
    );
    link.register(coming.register);
    timer = setTimeout(
      () => settle({ kind: "failed", reason: "it does not answer" }),
      WELCOME_TIMEOUT_MS,
    );
    const outcome = await settled;
    if (outcome.kind !== "welcomed") link.connection.destroy();
    return outcome;
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
