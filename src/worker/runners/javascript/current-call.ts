import type { CurrentTask } from "../../extension.ts";
import type { LogLevelName } from "../messages.ts";
import type { Outbox } from "./outbox.ts";

/** What a call's context works with. */
export type CallServices = {
  readonly outbox: Outbox;
  /** Whether the process is to stay though nothing but an abort can happen any more. */
  readonly awaitAbort: (isAwaited: boolean) => void;
};

/** Progress is told this often at most; what is told in between is left out. */
const PROGRESS_EVERY_MS = 100;
const UNWANTED = new Error("the task is not wanted any more");
const ENDED = new Error("the function has ended");

/**
 * The call that runs. A class, because functions made for each call would be much of what a small
 * call costs; what most functions never ask for is made when it is asked for.
 */
export class CurrentCall {
  readonly id: number;
  /** The client's number of the task. */
  readonly task: number;
  readonly attempt: number;
  /** Once the config has been read. */
  label = "";
  readonly #services: CallServices;
  #context: CurrentTask | undefined;
  #aborting: AbortController | undefined;
  #isUnwanted = false;
  #hasEnded = false;
  #toldMs: number = Number.NEGATIVE_INFINITY;

  constructor(services: CallServices, id: number, task: number, attempt: number) {
    this.#services = services;
    this.id = id;
    this.task = task;
    this.attempt = attempt;
  }

  get context(): CurrentTask {
    this.#context ??= this.#createContext();
    return this.#context;
  }

  /** False if it has ended. */
  log(level: LogLevelName, text: string): boolean {
    if (this.#hasEnded) return false;
    const { id } = this;
    this.#services.outbox.send(() => ({ kind: "log", id, level, text }));
    return true;
  }

  /** It is not wanted any more. */
  abort(): void {
    this.#isUnwanted = true;
    this.#aborting?.abort(UNWANTED);
  }

  /** It says nothing more. */
  end(): void {
    this.#hasEnded = true;
    if (this.#aborting === undefined) return;
    this.#services.awaitAbort(false);
    this.#aborting.abort(ENDED);
  }

  #signal(): AbortSignal {
    if (this.#aborting === undefined) {
      this.#aborting = new AbortController();
      if (this.#hasEnded) this.#aborting.abort(ENDED);
      else this.#services.awaitAbort(true);
      if (this.#isUnwanted) this.#aborting.abort(UNWANTED);
    }
    return this.#aborting.signal;
  }

  #progress(fraction: number, message: string): void {
    const nowMs = performance.now();
    const isTooSoon = fraction < 1 && nowMs - this.#toldMs < PROGRESS_EVERY_MS;
    if (this.#hasEnded || isTooSoon) return;
    this.#toldMs = nowMs;
    const { id } = this;
    this.#services.outbox.send(() => ({ kind: "progress", id, fraction, message }));
  }

  #createContext(): CurrentTask {
    const signal = (): AbortSignal => this.#signal();
    return {
      id: this.task,
      attempt: this.attempt,
      label: this.label,
      get signal() {
        return signal();
      },
      log: {
        debug: (text) => void this.log("debug", text),
        info: (text) => void this.log("info", text),
        warn: (text) => void this.log("warning", text),
        error: (text) => void this.log("error", text),
      },
      progress: (fraction, message = "") => this.#progress(fraction, message),
    };
  }
}
