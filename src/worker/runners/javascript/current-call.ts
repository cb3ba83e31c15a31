import type { CurrentTask } from "../../extension.ts";
import type { LogLevelName } from "../messages.ts";
import type { Outbox } from "./outbox.ts";

/** What is known of a call; its label, once its config has been read. */
export type CallIdentity = {
  readonly id: number;
  readonly task: number;
  readonly attempt: number;
  label: string;
};

/** The call that runs; most functions never ask for its context. */
export type CurrentCall = {
  readonly id: number;
  context(): CurrentTask;
  /** False if it has ended. */
  log(level: LogLevelName, text: string): boolean;
  /** It is not wanted any more. */
  abort(): void;
  /** It says nothing more. */
  end(): void;
};

/** Progress is told this often at most; what is told in between is left out. */
const PROGRESS_EVERY_MS = 100;

/** What a call's context works with. */
export type CallServices = {
  readonly outbox: Outbox;
  /** Whether the process is to stay though nothing but an abort can happen any more. */
  readonly awaitAbort: (isAwaited: boolean) => void;
};

export function createCurrentCall(
  { outbox, awaitAbort }: CallServices,
  identity: CallIdentity,
): CurrentCall {
  const { id, task, attempt } = identity;
  let hasEnded = false;
  let isUnwanted = false;
  let aborting: AbortController | undefined;
  let known: CurrentTask | undefined;
  let toldMs = Number.NEGATIVE_INFINITY;

  const log = (level: LogLevelName, text: string): boolean => {
    if (!hasEnded) outbox.send(() => ({ kind: "log", id, level, text }));
    return !hasEnded;
  };

  const createContext = (): CurrentTask => ({
    id: task,
    attempt,
    label: identity.label,
    get signal() {
      if (aborting === undefined) {
        aborting = new AbortController();
        if (!hasEnded) awaitAbort(true);
        if (hasEnded || isUnwanted) aborting.abort(hasEnded ? ENDED : UNWANTED);
      }
      return aborting.signal;
    },
    log: {
      debug: (text) => void log("debug", text),
      info: (text) => void log("info", text),
      warn: (text) => void log("warning", text),
      error: (text) => void log("error", text),
    },
    progress(fraction, message = "") {
      const nowMs = performance.now();
      if (hasEnded || (fraction < 1 && nowMs - toldMs < PROGRESS_EVERY_MS)) return;
      toldMs = nowMs;
      outbox.send(() => ({ kind: "progress", id, fraction, message }));
    },
  });

  return {
    id,
    log,
    context: () => {
      known ??= createContext();
      return known;
    },
    abort: () => {
      isUnwanted = true;
      aborting?.abort(UNWANTED);
    },
    end: () => {
      hasEnded = true;
      if (aborting !== undefined) awaitAbort(false);
      aborting?.abort(ENDED);
    },
  };
}

const UNWANTED = new Error("the task is not wanted any more");
const ENDED = new Error("the function has ended");
