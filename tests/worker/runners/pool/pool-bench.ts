import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { releaseRedirect } from "../../../../src/worker/runners/decode-results.ts";
import { createRunnerPool } from "../../../../src/worker/runners/pool/runner-pool.ts";
import type {
  RunnerCall,
  RunnerLanguage,
  RunnerPool,
} from "../../../../src/worker/runners/runner-call.ts";
import { createValue, type Shape, shapeOf, testStore } from "../../support/test-store.ts";

const TEST_RUNNER = fileURLToPath(new URL("../fixtures/test-runner.mjs", import.meta.url));

/** What became of a call, as a test writes it. */
export type Told =
  | { readonly value: Shape }
  | { readonly failed: string; readonly exitCode?: number; readonly signal?: string }
  | { readonly redirect: unknown }
  | "postponed"
  | "killed";

export type CallOptions = {
  readonly lane?: number;
  readonly config?: string;
  readonly inputs?: readonly Shape[];
  readonly timeLimitMs?: number;
};

export type StartedCall = { readonly call: RunnerCall; readonly told: Promise<Told> };

export type PoolBench = ReturnType<typeof testStore> & {
  readonly pool: RunnerPool;
  readonly logs: string[];
  /** Each in a lane of its own unless that is given. */
  start(
    ...calls: readonly (readonly [code: string, options?: CallOptions | undefined])[]
  ): Promise<StartedCall[]>;
  run(code: string, options?: CallOptions): Promise<Told>;
};

/** A pool of runners that call functions written in a few words of JavaScript. */
export function createPoolBench(
  options: {
    readonly language?: Partial<RunnerLanguage>;
    readonly idleMs?: number;
    readonly memoryBytesMax?: number;
    /** Default: no call is postponed however busy the machine is. */
    readonly stallMs?: number;
  } = {},
): PoolBench {
  const store = testStore();
  const logs: string[] = [];
  const pool = createRunnerPool({
    values: store.values,
    log: (_, message) => void logs.push(message),
    language: {
      name: "test",
      command: async () => ({ file: process.execPath, args: [TEST_RUNNER], env: {} }),
      ...options.language,
    },
    memoryBytesMax: options.memoryBytesMax ?? Number.MAX_SAFE_INTEGER,
    stallMs: options.stallMs ?? 1_000_000,
    ...(options.idleMs !== undefined && { idleMs: options.idleMs }),
  });
  onTestFinished(() => pool.dispose());
  let lastLane = 100;

  const create = async (code: string, given: CallOptions = {}): Promise<StartedCall> => {
    const { values } = store;
    const { inputs = [], config = "", timeLimitMs } = given;
    const codeValue = await createValue(store, code);
    const owned = [codeValue];
    for (const input of inputs) owned.push(await createValue(store, input));
    let resolve: (told: Told) => void = () => {};
    const told = new Promise<Told>((onTold) => {
      resolve = onTold;
    });
    const end = (): void => {
      for (const value of owned.splice(0)) values.release(value);
    };
    const call: RunnerCall = {
      clientTask: 7,
      attempt: 2,
      functionKey: code,
      function: codeValue,
      config: Buffer.from(config),
      inputs: owned.slice(1),
      timeLimitMs,
      owner: {
        onLog: (_, text, level) => void logs.push(`${level ?? "printed"}: ${text}`),
        onProgress: (_, fraction, message) => void logs.push(`${fraction} ${message}`),
        onKilled: () => {
          end();
          resolve("killed");
        },
        onPostponed: () => {
          end();
          resolve("postponed");
        },
        onEnd: (_, outcome) => {
          if (outcome.kind === "value") {
            const { value } = outcome;
            end();
            void shapeOf(store, value).then((shape) => {
              values.release(value);
              resolve({ value: shape });
            });
            return;
          }
          end();
          if (outcome.kind === "redirected") {
            const { rows } = outcome.redirect;
            releaseRedirect(values, outcome.redirect);
            resolve({ redirect: rows });
            return;
          }
          const { message: failed, exitCode, signal } = outcome.failure;
          resolve({
            failed,
            ...(exitCode !== undefined && { exitCode }),
            ...(signal !== undefined && { signal }),
          });
        },
      },
    };
    return { call, told };
  };

  const start: PoolBench["start"] = async (...calls) => {
    const started: StartedCall[] = [];
    for (const [code, given] of calls) started.push(await create(code, given));
    const lanes = new Map<number, RunnerCall[]>();
    started.forEach(({ call }, i) => {
      const lane = calls[i]?.[1]?.lane ?? lastLane++;
      lanes.set(lane, [...(lanes.get(lane) ?? []), call]);
    });
    for (const [lane, ofLane] of lanes) pool.run(lane, ofLane);
    return started;
  };

  return {
    ...store,
    pool,
    logs,
    start,
    run: async (code, given) => {
      const [started] = await start([code, given]);
      if (started === undefined) throw new Error("nothing was started");
      return started.told;
    },
  };
}
