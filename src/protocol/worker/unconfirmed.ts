import { HELD_ENDED, HELD_STARTED, type HeldTasks } from "../../core/model/batches.ts";
import type { FromWorker } from "./messages.ts";

/**
 * Reports that nothing else tells of and that the server may not have received: a task that failed is
 * no longer among those that the worker has. They are told again when it has come back; all others
 * follow from what it holds and has then.
 */
export class UnconfirmedReports {
  #sentFrames = 0;
  #reports: { readonly frame: number; readonly message: FromWorker }[] = [];

  /** The message goes out as the next frame of the connection, or into nothing while there is none. */
  note(message: FromWorker): void {
    this.#sentFrames += 1;
    if (isKept(message)) this.#reports.push({ frame: this.#sentFrames, message });
  }

  /** So many frames of the connection have arrived. */
  confirm(receivedFrames: number): void {
    if (this.#reports.length === 0) return;
    this.#reports = this.#reports.filter(({ frame }) => frame > receivedFrames);
  }

  /** A new connection: its frames count from 1. Returns what is to be told again, for `note` to note. */
  restart(): FromWorker[] {
    const messages = this.#reports.map(({ message }) => message);
    this.#sentFrames = 0;
    this.#reports = [];
    return messages;
  }
}

const isKept = ({ kind }: FromWorker): boolean =>
  kind === "task-failed" || kind === "checkpoints-written" || kind === "checkpoints-missing";

/** `held`, and those whose ends are among the messages: the server is to take them for running until then. */
export function withEnded(held: HeldTasks, messages: readonly FromWorker[]): HeldTasks {
  const ended = messages.flatMap(endedIn);
  if (ended.length === 0) return held;
  const inputsEnd = held.inputAttempts.length;
  return {
    tasks: Uint32Array.from([...held.tasks, ...ended.map(({ task }) => task)]),
    attempts: Uint32Array.from([...held.attempts, ...ended.map(({ attempt }) => attempt)]),
    flags: Uint8Array.from([...held.flags, ...ended.map(() => HELD_STARTED | HELD_ENDED)]),
    inputStarts: Uint32Array.from([...held.inputStarts, ...ended.map(() => inputsEnd)]),
    inputAttempts: held.inputAttempts,
  };
}

function endedIn(message: FromWorker): { readonly task: number; readonly attempt: number }[] {
  if (message.kind === "task-failed") return [message];
  if (message.kind !== "checkpoints-missing") return [];
  const { tasks, attempts } = message.refs;
  return Array.from(tasks, (task, i) => ({ task, attempt: attempts[i] ?? 0 }));
}
