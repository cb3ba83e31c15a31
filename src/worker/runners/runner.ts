import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import {
  buildRedirect,
  buildResult,
  countOf,
  createPayloadReader,
  demand,
  fieldsOf,
  listOf,
  type ResultContext,
  RunnerProtocolError,
  skipResult,
  textOf,
} from "./decode-results.ts";
import { addNodes, createNodeTable, describeLeaf } from "./encode-calls.ts";
import { encodeFrame } from "./frames.ts";
import { type CallHeader, RUNNER_PROTOCOL_VERSION, type ToRunner } from "./messages.ts";
import type { CallOutcome, RunnerCall, RunnerCommand } from "./runner-call.ts";
import { type RunnerEnd, startRunnerProcess } from "./runner-process.ts";

/** A call on its way through the pool. */
export type Entry = {
  readonly call: RunnerCall;
  readonly lane: number;
  /** Runners that ended while it was with them, by no fault of its own. */
  losses: number;
  isKilled: boolean;
  /** Once a runner has been sent it: values of the nodes that came with it. */
  rows: readonly ValueId[];
  /** And how much went along. */
  bytes: number;
};

const NO_ROWS: readonly ValueId[] = [];

export function createEntry(call: RunnerCall, lane: number): Entry {
  return { call, lane, losses: 0, isKilled: false, rows: NO_ROWS, bytes: 0 };
}

export type RunnerOptions = {
  readonly values: ValueTable;
  readonly command: RunnerCommand;
  readonly functions: FunctionNumbers;
  /** What the runner is told that it may use. */
  readonly memoryBytesMax: number;
  readonly onReady: (versions: string) => void;
  /** The call has ended, and was not killed. */
  readonly onOutcome: (entry: Entry, outcome: CallOutcome) => void;
  /** A call that was killed has ended, or will not begin. */
  readonly onKilled: (entry: Entry) => void;
  /** Calls that were taken back, in their order, without those that were killed. */
  readonly onTakenBack: (entries: Entry[]) => void;
  /** Some of its calls have ended or were taken back. */
  readonly onProgressed: () => void;
  /** A line that belongs to no call. */
  readonly onLine: (text: string) => void;
  /** The calls that it had; `culprit` is the one that it had begun. */
  readonly onEnd: (end: RunnerEnd, entries: Entry[], culprit: Entry | undefined) => void;
};

/** Numbers of functions by their keys, the same in all runners of a pool. */
export type FunctionNumbers = { numberOf(key: string): number };

/** A warm process and the calls that it was sent. */
export type Runner = {
  readonly pid: number | undefined;
  readonly isReady: boolean;
  /** Calls sent and not ended. */
  readonly outstanding: number;
  /** Whether calls may be sent: none are being taken back. */
  readonly isOpen: boolean;
  knows(functionKey: string): boolean;
  /** Sends calls from the front, until enough bytes are under way; returns how many. */
  send(entries: readonly Entry[]): number;
  /** The call that it is with now, as far as is known here. */
  first(): Entry | undefined;
  /** The call that it runs now. */
  findRunning(): Entry | undefined;
  hasKilled(): boolean;
  /** Asks for the calls back that have not begun. */
  takeBack(): void;
  /** Tells the function that runs that it is to end. */
  abortRunning(): void;
  kill(reason: string): void;
};

/** Functions that a runner keeps; those called longest ago are forgotten. */
const FUNCTIONS_MAX = 256;
/** Nothing more is sent to a runner that is still to work off so many bytes. */
const OUTSTANDING_BYTES_MAX = 32 * 1024 * 1024;
/** A frame is sent when its payload has so many bytes. */
const FRAME_BYTES = 4 * 1024 * 1024;

let runnerCount = 0;

export function startRunner(options: RunnerOptions): Runner {
  const { values, functions, onOutcome } = options;
  runnerCount += 1;
  const filePrefix = `result-${runnerCount}-`;
  /** By id, which counts up in the order of sending, and so of beginning. */
  const sent = new Map<number, Entry>();
  /** Functions that it was told, by key, the one used longest ago first. */
  const known = new Map<string, number>();
  let sentCount = 0;
  let outstandingBytes = 0;
  let isReady = false;
  let isTakingBack = false;
  let isOver = false;

  const tell = (message: ToRunner, payload: Uint8Array[] = []): void =>
    process.send(encodeFrame(message, payload));

  const tellFunction = (call: RunnerCall): number => {
    const number = functions.numberOf(call.functionKey);
    if (!known.delete(call.functionKey)) {
      const payload: Uint8Array[] = [];
      const source = describeLeaf(values, call.function, payload);
      tell({ kind: "function", function: number, source }, payload);
    }
    known.set(call.functionKey, number);
    return number;
  };

  /** Sends calls from `start` on, until a frame is full; returns where it has stopped. */
  const sendFrame = (entries: readonly Entry[], start: number): number => {
    const table = createNodeTable();
    const payload: Uint8Array[] = [];
    const configs: Uint8Array[] = [];
    const calls: CallHeader[] = [];
    let bytes = 0;
    let position = start;
    for (; position < entries.length && bytes < FRAME_BYTES; position++) {
      const entry = entries[position] as Entry;
      const { call } = entry;
      const before = payload.length;
      let inputs: number[];
      let number: number;
      try {
        number = tellFunction(call);
        inputs = call.inputs.map((input) => addNodes(values, table, input, payload));
      } catch (error) {
        // A file of the user that is gone; half a value in the table does no harm.
        onOutcome(entry, { kind: "failed", failure: { message: (error as Error).message } });
        continue;
      }
      let callBytes = call.config.length;
      for (let i = before; i < payload.length; i++) callBytes += (payload[i] as Uint8Array).length;
      bytes += callBytes;
      outstandingBytes += callBytes;
      configs.push(call.config);
      const id = sentCount;
      calls.push({
        id,
        task: call.clientTask,
        attempt: call.attempt,
        function: number,
        config: call.config.length,
        inputs,
      });
      entry.rows = table.rows;
      entry.bytes = callBytes;
      sent.set(id, entry);
      sentCount += 1;
    }
    payload.push(...configs);
    if (calls.length > 0) tell({ kind: "calls", nodes: table.nodes, calls }, payload);
    return position;
  };

  const forgetSome = (): void => {
    if (known.size <= FUNCTIONS_MAX) return;
    const forgotten = [...known].slice(0, known.size - FUNCTIONS_MAX);
    for (const [key] of forgotten) known.delete(key);
    tell({ kind: "forget", functions: forgotten.map(([, number]) => number) });
  };

  const remove = (id: number, entry: Entry): void => {
    sent.delete(id);
    outstandingBytes -= entry.bytes;
    // The table of its message is kept by the calls that are left of it.
    entry.rows = NO_ROWS;
  };

  const onResults = (results: readonly unknown[], payloadBytes: Uint8Array): void => {
    const payload = createPayloadReader(payloadBytes);
    for (const result of results) {
      const fields = fieldsOf(result, "a result");
      const id = countOf(fields["id"], "an id");
      const entry = sent.get(id);
      demand(entry !== undefined, `a call of the number ${id}`);
      const context = { values, inputRows: entry.rows, filePrefix, payload };
      // What it was called with may be gone, and its result is for nobody.
      const { isKilled } = entry;
      if (isKilled) skipResult(context, fields["nodes"] ?? fields["redirect"]);
      const outcome = isKilled ? undefined : outcomeOf(context, fields);
      remove(id, entry);
      if (outcome === undefined) options.onKilled(entry);
      else onOutcome(entry, outcome);
    }
    options.onProgressed();
  };

  const onTakenBack = (begun: number): void => {
    demand(isTakingBack, "a taking back that was asked for");
    isTakingBack = false;
    const entries: Entry[] = [];
    for (const [id, entry] of sent) {
      if (id < begun) continue;
      remove(id, entry);
      entries.push(entry);
    }
    options.onTakenBack(entries.filter(({ isKilled }) => !isKilled));
    for (const entry of entries) if (entry.isKilled) options.onKilled(entry);
    options.onProgressed();
  };

  const entryOf = (id: unknown): Entry | undefined => sent.get(countOf(id, "an id"));

  const onFrame = (message: unknown, payload: Uint8Array): void => {
    const fields = fieldsOf(message, "a message");
    switch (fields["kind"]) {
      case "ready":
        isReady = true;
        options.onReady(
          Object.entries(fieldsOf(fields["versions"], "versions"))
            .map(([name, version]) => `${name} ${version}`)
            .join(", "),
        );
        return;
      case "results":
        onResults(listOf(fields["results"], "results"), payload);
        return;
      case "log": {
        const { level } = fields;
        const text = textOf(fields["text"], "a text");
        const isLevel = level === "debug" || level === "warning" || level === "error";
        const entry = entryOf(fields["id"]);
        if (entry === undefined) options.onLine(text);
        else entry.call.owner.onLog(entry.call, text, isLevel ? level : "info");
        return;
      }
      case "progress": {
        const { fraction } = fields;
        demand(typeof fraction === "number", "a fraction");
        const call = entryOf(fields["id"])?.call;
        call?.owner.onProgress(call, fraction, textOf(fields["message"], "a text"));
        return;
      }
      case "taken-back":
        onTakenBack(countOf(fields["begun"], "a count"));
        return;
      default:
        throw new RunnerProtocolError(`a message of the kind ${String(fields["kind"])}`);
    }
  };

  const findRunning = (): Entry | undefined => {
    // The id of a call is its number.
    const id = process.countBegun() - 1;
    return sent.get(id);
  };

  const process = startRunnerProcess({
    command: options.command,
    dataDirectory: values.files.directory,
    onFrame: (message, payload) => {
      if (!isOver) onFrame(message, payload);
    },
    onLine: (text) => {
      const entry = findRunning();
      if (entry === undefined) options.onLine(text);
      else entry.call.owner.onLog(entry.call, text, undefined);
    },
    onEnd: (end) => {
      isOver = true;
      const culprit = findRunning();
      const entries = Array.from(sent.values());
      sent.clear();
      values.files.removePrefixed(filePrefix);
      options.onEnd(end, entries, culprit);
    },
  });
  tell({
    kind: "hello",
    version: RUNNER_PROTOCOL_VERSION,
    dataDirectory: values.files.directory,
    filePrefix,
    memoryBytesMax: options.memoryBytesMax,
  });

  return {
    pid: process.pid,
    get isReady() {
      return isReady;
    },
    get outstanding() {
      return sent.size;
    },
    get isOpen() {
      return !isTakingBack && !isOver;
    },
    knows: (key) => known.has(key),
    send: (entries) => {
      let start = 0;
      while (start < entries.length && outstandingBytes < OUTSTANDING_BYTES_MAX) {
        start = sendFrame(entries, start);
      }
      forgetSome();
      return start;
    },
    first: () => sent.values().next().value,
    findRunning,
    hasKilled: () => Array.from(sent.values()).some(({ isKilled }) => isKilled),
    takeBack: () => {
      if (isTakingBack || isOver) return;
      isTakingBack = true;
      process.sendUrgent(encodeFrame({ kind: "take-back", sent: sentCount }));
    },
    abortRunning: () => {
      const call = process.countBegun() - 1;
      if (sent.has(call)) process.sendUrgent(encodeFrame({ kind: "abort", call }));
    },
    kill: process.kill,
  };
}

function outcomeOf(context: ResultContext, fields: Readonly<Record<string, unknown>>): CallOutcome {
  const { us, nodes, redirect, error } = fields;
  demand(typeof us === "number" && us >= 0, "a duration");
  if (nodes !== undefined) {
    const value = buildResult(context, listOf(nodes, "nodes"));
    return { kind: "value", value, durationUs: us };
  }
  if (redirect !== undefined) {
    const built = buildRedirect(context, listOf(redirect, "nodes"));
    return { kind: "redirected", redirect: built, durationUs: us };
  }
  const message = textOf(fieldsOf(error, "an error")["message"], "a message");
  return { kind: "failed", failure: { message } };
}
