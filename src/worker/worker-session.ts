import { assert, unreachable } from "../core/base/assert.ts";
import type { ResourceOffer } from "../core/model/resources.ts";
import { BUILTIN_SYMBOLS, MEMORY_SYMBOL } from "../core/model/symbols.ts";
import type { WorkerCommand } from "../core/worker/commands.ts";
import type { WorkerEvent } from "../core/worker/events.ts";
import { createWorkerState, type WorkerState } from "../core/worker/state.ts";
import { stepWorker } from "../core/worker/step.ts";
import type { NamedAmount } from "../protocol/client/register.ts";
import type { ToWorker } from "../protocol/worker/messages.ts";

export type SessionOptions = {
  readonly workerId: number;
  /** All that this worker offers, by symbol. */
  readonly offer: readonly NamedAmount[];
  readonly runCommand: (state: WorkerState, command: WorkerCommand) => void;
};

/** The brain with its events in order: one that a command causes waits for the end of its step. */
export type WorkerSession = {
  readonly state: WorkerState;
  dispatch(event: WorkerEvent): void;
  /** Symbol of an id, if it has one. */
  symbol(id: number): string | undefined;
  /** Id of a symbol, if it has one. */
  symbolId(name: string): number | undefined;
  addSymbols(message: Extract<ToWorker, { kind: "symbols" }>): void;
};

export function createSession({ workerId, offer, runCommand }: SessionOptions): WorkerSession {
  const symbols: (string | undefined)[] = [...BUILTIN_SYMBOLS];
  const queue: WorkerEvent[] = [];
  let isRunning = false;
  let state: WorkerState | undefined;

  /** The brain is made with the first event: only then are the ids of all that we offer known. */
  const getState = (): WorkerState => {
    state ??= createWorkerState({ workerId, offer: numberOffer(offer, symbols) });
    return state;
  };

  return {
    get state() {
      return getState();
    },
    dispatch: (event) => {
      queue.push(event);
      if (isRunning) return;
      isRunning = true;
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        for (const command of stepWorker(getState(), next)) runCommand(getState(), command);
      }
      isRunning = false;
    },
    symbol: (id) => symbols[id],
    symbolId: (name) => {
      const id = symbols.indexOf(name);
      return id === -1 ? undefined : id;
    },
    addSymbols: ({ firstId, names }) => {
      names.forEach((name, i) => {
        symbols[firstId + i] = name;
      });
    },
  };
}

function numberOffer(
  offer: readonly NamedAmount[],
  symbols: readonly (string | undefined)[],
): ResourceOffer {
  const ids = new Map(symbols.map((name, id) => [name, id]));
  // Nobody can ask for a resource that the server has no number for; of memory it need not have one.
  const numbered = offer.filter(({ name }) => name !== MEMORY_SYMBOL || ids.has(name));
  return numbered.map(({ name, amount }) => {
    const resource = ids.get(name);
    assert(resource !== undefined, `the server has a number for ${name}`);
    return { resource, amount };
  });
}

/** The event that a server's message is, if it is one for the brain. */
export function eventOf(message: ToWorker, atMs: number): WorkerEvent | undefined {
  switch (message.kind) {
    case "assign":
      return { kind: "tasks-assigned", atMs, batch: message.batch };
    case "retract":
      return { kind: "tasks-retracted", atMs, refs: message.refs };
    case "cancel":
      return { kind: "tasks-canceled", atMs, refs: message.refs };
    case "cancel-gracefully":
      return { kind: "tasks-canceled", atMs, refs: message.refs, isGraceful: true };
    case "drop":
      return { kind: "objects-dropped", atMs, refs: message.refs };
    case "replicate":
      return { kind: "copies-wanted", atMs, copies: message.copies };
    case "peers-lost":
      return { kind: "peers-lost", atMs, peers: message.workers };
    case "welcome":
    case "symbols":
    case "peers":
    case "heartbeat":
    case "find-python":
    case "draining":
    case "read-log":
    case "forget-logs":
    case "stop":
      return undefined;
    default:
      return unreachable(message);
  }
}
