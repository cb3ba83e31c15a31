import type { ArrowLibrary } from "../../../core/model/arrow-table.ts";
import type { CallHeader, LeafNode, ToRunner } from "../messages.ts";
import { type CallServices, CurrentCall } from "./current-call.ts";
import { describeError } from "./describe-error.ts";
import { createModuleCache, type LoadedModule } from "./load-module.ts";
import { findArrow } from "./module-arrow.ts";
import { type CallConfig, readArguments } from "./read-arguments.ts";
import { readLeaf, type Values } from "./read-values.ts";
import { type ResultPlace, writeResult } from "./write-result.ts";

/** Results are kept so long, to be sent with those of further calls: messages cost as much as small calls. */
const GATHER_MS = 10;
/** Not all that a runner has at a time: it must not stand still until it gets more. */
const GATHER_RESULTS = 128;
/** A function that was fast last time may have been lucky; one that was slow, is slow. */
const FALLING_RATE = 0.1;

export type CallerOptions = CallServices & {
  /** Whether the call is to be made; then it has begun. */
  readonly begin: (call: number) => boolean;
  readonly hello: Extract<ToRunner, { kind: "hello" }>;
  /** The call that runs is about to end. */
  readonly beforeEnd: () => void;
};

/** Loads functions and calls them, one after another. */
export type Caller = {
  addFunction(number: number, source: LeafNode, payload: Buffer): void;
  forget(functions: readonly number[]): void;
  /** Makes the calls of one message, and tells what they end in. `configs` are theirs, joined. */
  call(calls: readonly CallHeader[], values: Values, configs: Buffer): Promise<void>;
  /** Under which name the module of the function that runs exports this one. */
  findExport(callee: unknown): { readonly name: string; readonly code: Uint8Array } | undefined;
  /** The call that runs. */
  current(): CurrentCall | undefined;
  /** Tells the call, if it still runs, that it is not wanted any more. */
  abort(call: number): void;
  /** The call that runs fails now, whatever its function goes on to do; false if none runs. */
  failCurrent(message: string): boolean;
};

/** The code of functions, and what it exports once it is loaded. */
type Code = {
  readonly source: Buffer;
  module: LoadedModule | undefined;
  /** That of the module, if it has it. */
  arrow: ArrowLibrary | undefined;
  /** How long calls of each function take, by its name: rises at once and falls slowly. */
  readonly expectedMs: Map<string, number>;
};

/** A call that has begun and not ended. */
type Running = {
  readonly current: CurrentCall;
  /** What its function is from, once that is called, and its name there. */
  code: Code | undefined;
  name: string;
  startMs: number;
  /** Tells who waits for its end. */
  onEnd: (() => void) | undefined;
};

/** What is called with what. */
type Job = {
  readonly code: Code;
  readonly config: CallConfig;
  readonly inputs: readonly number[];
  readonly values: Values;
};

export function createCaller(options: CallerOptions): Caller {
  const { outbox, begin, hello, beforeEnd } = options;
  let fileCount = 0;
  const place: ResultPlace = {
    directory: hello.dataDirectory,
    createName: () => `${hello.filePrefix}${(fileCount++).toString(36)}`,
  };
  const modules = createModuleCache(place);
  const codes = new Map<number, Code>();
  let running: Running | undefined;
  let keptSinceMs = 0;
  let keptCount = 0;

  const learn = ({ code, name, startMs }: Running): void => {
    if (code === undefined) return;
    const tookMs = performance.now() - startMs;
    const knownMs = code.expectedMs.get(name) ?? tookMs;
    const isSlower = tookMs >= knownMs;
    code.expectedMs.set(name, isSlower ? tookMs : knownMs + FALLING_RATE * (tookMs - knownMs));
  };

  const end = (own: Running): void => {
    const { current, onEnd } = own;
    beforeEnd();
    learn(own);
    if (outbox.isEmpty) {
      keptSinceMs = performance.now();
      keptCount = 0;
    }
    keptCount += 1;
    current.end();
    running = undefined;
    onEnd?.();
  };

  const usOf = ({ startMs }: Running): number => Math.round(1000 * (performance.now() - startMs));

  const fail = (own: Running, message: string): void => {
    if (running !== own) return;
    const result = { id: own.current.id, us: usOf(own), error: { message } };
    end(own);
    outbox.add(result, []);
  };

  const succeed = (own: Running, returned: unknown): void => {
    if (running !== own) return;
    try {
      const us = usOf(own);
      const { id } = own.current;
      const { nodes, payload, isRedirect } = writeResult(returned, place, own.code?.arrow);
      end(own);
      outbox.add(isRedirect ? { id, us, redirect: nodes } : { id, us, nodes }, payload);
    } catch (error) {
      fail(own, describeError(error));
    }
  };

  const awaitEnd = (own: Running, work: PromiseLike<unknown>): Promise<void> =>
    new Promise((resolve) => {
      own.onEnd = resolve;
      work.then(
        (returned) => succeed(own, returned),
        (thrown: unknown) => fail(own, describeError(thrown)),
      );
    });

  const callFunction = (own: Running, { code, config, inputs, values }: Job): unknown => {
    const args = readArguments(config, inputs, values, code.arrow);
    const callee = code.module?.[config.export];
    if (typeof callee !== "function") {
      throw new TypeError(`the module has no function ${config.export}`);
    }
    own.code = code;
    own.name = config.export;
    own.startMs = performance.now();
    return callee(...args);
  };

  const loadAndCall = async (own: Running, job: Job): Promise<unknown> => {
    job.code.module = await modules.load(job.code.source);
    job.code.arrow = findArrow(job.code.module);
    // It may have failed while it was loaded.
    return running === own ? callFunction(own, job) : undefined;
  };

  /** Sends what is kept, unless the call that comes next is over soon enough. */
  const flushFor = (code: Code, name: string): void => {
    if (outbox.isEmpty) return;
    const expectedMs = code.expectedMs.get(name) ?? GATHER_MS;
    const isLate = performance.now() + expectedMs - keptSinceMs > GATHER_MS;
    if (isLate || keptCount >= GATHER_RESULTS) outbox.flush();
  };

  /** Makes a call, unless it is to be dropped; a promise of its end, if that is to be awaited. */
  const start = (
    { id, task, attempt, function: number, inputs }: CallHeader,
    configText: string,
    values: Values,
  ): Promise<void> | undefined => {
    const code = codes.get(number) as Code;
    const config = parseConfig(configText);
    flushFor(code, config.export);
    if (!begin(id)) return undefined;
    const current = new CurrentCall(options, id, task, attempt);
    current.label = config.label ?? config.export;
    const startMs = performance.now();
    const own: Running = { current, code: undefined, name: "", startMs, onEnd: undefined };
    running = own;
    try {
      const job = { code, config, inputs, values };
      if (code.module === undefined) return awaitEnd(own, loadAndCall(own, job));
      const returned = callFunction(own, job);
      if (isThenable(returned)) return awaitEnd(own, returned);
      succeed(own, returned);
    } catch (error) {
      fail(own, describeError(error));
    }
    return undefined;
  };

  return {
    addFunction: (number, source, payload) => {
      const code = readLeaf(source, payload);
      codes.set(number, {
        source: code,
        module: undefined,
        arrow: undefined,
        expectedMs: new Map(),
      });
    },
    forget: (functions) => {
      for (const number of functions) codes.delete(number);
    },
    async call(calls, values, configs) {
      let position = 0;
      for (const header of calls) {
        const config = configs.toString("utf8", position, position + header.config);
        position += header.config;
        const ending = start(header, config, values);
        if (ending !== undefined) await ending;
      }
      outbox.flush();
    },
    findExport: (callee) => {
      const { module = {}, source: code } = running?.code ?? {};
      const found = Object.entries(module).find(([, value]) => value === callee);
      return found === undefined || code === undefined ? undefined : { name: found[0], code };
    },
    current: () => running?.current,
    abort: (call) => {
      if (running?.current.id === call) running.current.abort();
    },
    failCurrent: (message) => {
      if (running === undefined) return false;
      fail(running, message);
      return true;
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null || !("then" in value)) return false;
  return typeof value.then === "function";
}

/** What cannot be read names no function, which is what its call fails with. */
function parseConfig(text: string): CallConfig {
  try {
    return JSON.parse(text) as CallConfig;
  } catch (error) {
    return { export: `of a config that is not JSON: ${(error as Error).message}`, args: [] };
  }
}
