import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { HyperloomError } from "../../src/core/model/errors.ts";
import { readWorkflows } from "../../src/simulator/workflows/read-workflows.ts";
import { decodeTypeFile, encodeTypeFile } from "../../src/worker/checkpoints/type-file.ts";
import { readCallOptions } from "../../src/worker/executors/functions/call-options.ts";
import { decodeName, relativePath } from "../../src/worker/executors/program/names.ts";
import { TaskError } from "../../src/worker/executors/task-error.ts";
import {
  appendExited,
  appendHello,
  appendKill,
  appendSpawnFailed,
  appendStart,
  createFrameBatch,
  createFrameReader,
  decodeExited,
  decodeHello,
  decodeKill,
  decodeSpawnFailed,
  decodeStart,
  FRAME_EXITED,
  FRAME_HELLO,
  FRAME_KILL,
  FRAME_SPAWN_FAILED,
  FRAME_START,
  type FrameBatch,
  takeFrames,
} from "../../src/worker/launcher/frames.ts";
import {
  createFrameReader as createRunnerReader,
  encodeFrame as encodeRunnerFrame,
} from "../../src/worker/runners/frames.ts";
import { tree } from "../protocol/peer/arbitraries.ts";
import type { FuzzTarget } from "./target.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const launcherFrame = (append: (batch: FrameBatch) => void): Uint8Array => {
  const batch = createFrameBatch();
  append(batch);
  return Uint8Array.from(takeFrames(batch));
};

const LAUNCHER_SAMPLES: readonly Uint8Array[] = [
  launcherFrame((batch) => appendHello(batch, "namespace")),
  launcherFrame((batch) => appendKill(batch, 77, 9)),
  launcherFrame((batch) =>
    appendExited(batch, {
      runId: 5,
      exitCode: 1,
      signalNumber: 0,
      isUnpinned: true,
      hasLeftovers: false,
      wallUs: 2 ** 33,
    }),
  ),
  launcherFrame((batch) => appendSpawnFailed(batch, { runId: 4, step: 2, errno: 13 })),
  launcherFrame((batch) =>
    appendStart(batch, {
      runId: 3,
      cpus: [0, 3],
      cwd: "/tmp/run",
      stdinPath: "in",
      stdoutPath: undefined,
      stderrPath: "err",
      args: [text("/bin/sh"), text("-c"), text("true")],
      env: [{ name: text("A"), value: text("b") }],
      paths: ["in", "out"],
    }),
  ),
];

const LAUNCHER_DECODERS: Readonly<Record<number, (body: DataView) => unknown>> = {
  [FRAME_HELLO]: decodeHello,
  [FRAME_KILL]: decodeKill,
  [FRAME_EXITED]: decodeExited,
  [FRAME_SPAWN_FAILED]: decodeSpawnFailed,
  [FRAME_START]: decodeStart,
};

const RUNNER_SAMPLES: readonly Uint8Array[] = [
  { kind: "ready", version: 1 },
  { kind: "results", results: [{ call: 1, nodes: [{ kind: "leaf", type: "data", bytes: 3 }] }] },
  { kind: "log", call: 2, level: "info", message: "märz" },
].map((message) => encodeRunnerFrame(message, [Uint8Array.of(1, 2, 3)]));

const FINGERPRINT = new Uint8Array(32).fill(7);
const WORKFLOWS = fileURLToPath(new URL("../golden/workflows/", import.meta.url));

const options = (json: string): Uint8Array => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([Buffer.from("pickle"), Buffer.from(json), length, Buffer.from("LOOMOPTS")]);
};

const isTaskError = (error: unknown): boolean => error instanceof TaskError;

export const LOCAL_TARGETS: readonly FuzzTarget[] = [
  {
    name: "launcher-frames",
    share: 5,
    samples: LAUNCHER_SAMPLES,
    decode: (bytes) => {
      const found: unknown[] = [];
      const feed = createFrameReader(1 << 20, ({ kind, body }) => {
        found.push(LAUNCHER_DECODERS[kind]?.(body));
      });
      for (let at = 0; at < bytes.length; at += 13) feed(bytes.subarray(at, at + 13));
      return found.length;
    },
    isRefusal: (error) => error instanceof RangeError,
  },
  {
    name: "runner-frames",
    share: 4,
    samples: RUNNER_SAMPLES,
    decode: (bytes) => {
      let frames = 0;
      const feed = createRunnerReader(() => {
        frames += 1;
      });
      for (let at = 0; at < bytes.length; at += 13) feed(bytes.subarray(at, at + 13));
      return frames;
    },
    // As its docstring says.
    isRefusal: (error) =>
      error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError,
  },
  {
    name: "type-file",
    share: 4,
    samples: fc
      .sample(tree, { numRuns: 60, seed: 1 })
      .map((shape) => encodeTypeFile(shape, FINGERPRINT)),
    decode: (bytes) => decodeTypeFile(Buffer.from(bytes)),
    encode: (file: { tree: Parameters<typeof encodeTypeFile>[0]; fingerprint: Uint8Array }) =>
      encodeTypeFile(file.tree, file.fingerprint),
  },
  {
    name: "call-options",
    share: 2,
    samples: [options('{"time_limit_ms":10}'), options("{}"), options("null")],
    decode: readCallOptions,
    isRefusal: isTaskError,
  },
  {
    name: "output-names",
    share: 2,
    samples: ["out", "a/b", "../x", "/etc", "a/../../b", "é", "a\0b"].map(text),
    decode: (bytes) => {
      const path = relativePath(decodeName(bytes, "an output's"), "an output's");
      if (path.startsWith("/") || path.split("/").includes("..")) {
        throw new Error(`a name leads out of its directory: ${path}`);
      }
      return path;
    },
    isRefusal: isTaskError,
  },
  {
    name: "workflows",
    share: 5,
    isJson: true,
    samples: readdirSync(WORKFLOWS)
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFileSync(`${WORKFLOWS}${name}`)),
    decode: (bytes) => readWorkflows(new TextDecoder().decode(bytes)).length,
    isRefusal: (error) => error instanceof HyperloomError,
  },
];
