import {
  type ClientRequest,
  decodeClientRequest,
  encodeSmallRequest,
  type SmallRequest,
} from "../../src/protocol/client/client-request.ts";
import {
  type ClientResponse,
  decodeClientResponse,
  encodeClientResponse,
} from "../../src/protocol/client/client-response.ts";
import { FRAME_HEADER_BYTES } from "../../src/protocol/client/frame.ts";
import { REQUEST_FRAME } from "../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../src/protocol/client/frame-splitter.ts";
import {
  decodeRegister,
  encodeRegister,
  type Register,
} from "../../src/protocol/client/register.ts";
import {
  decodeRunConfig,
  encodeRunConfig,
  type RunConfig,
} from "../../src/protocol/client/run-config.ts";
import { ProtocolError } from "../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";
import {
  type GoldenFile,
  goldenBodies,
  goldenFiles,
  readGolden,
} from "../protocol/client/golden.ts";
import { plainOfPlan, testContext } from "../protocol/client/plan-values.ts";
import type { FuzzTarget } from "./target.ts";

export const isProtocolError = (error: unknown): boolean => error instanceof ProtocolError;

const bodiesOf = (message: GoldenFile["message"]): Uint8Array[] =>
  goldenFiles(message)
    .flatMap(goldenBodies)
    .map((body) => body.subarray(0, 20_000));

const written = (write: (writer: ByteWriter) => void): Uint8Array => {
  const writer = new ByteWriter();
  write(writer);
  return writer.take().subarray(FRAME_HEADER_BYTES);
};

const PLANS: ReadonlySet<ClientRequest["kind"]> = new Set(["plan", "planChunk"]);

function decodeRequest(body: Uint8Array): unknown {
  const request = decodeClientRequest(body, testContext);
  // What was accepted must hold together: its ranges and rows are followed here.
  if (request.kind === "plan" || request.kind === "planChunk") plainOfPlan(request.plan);
  return PLANS.has(request.kind) ? undefined : request;
}

export const CLIENT_TARGETS: readonly FuzzTarget[] = [
  {
    name: "client-register",
    share: 4,
    samples: bodiesOf("Register"),
    decode: decodeRegister,
    encode: (register: Register) => written((writer) => encodeRegister(writer, register)),
    isRefusal: isProtocolError,
  },
  {
    name: "client-request",
    share: 20,
    samples: bodiesOf("ClientRequest"),
    decode: decodeRequest,
    encode: (request: SmallRequest) => written((writer) => encodeSmallRequest(writer, request)),
    isRefusal: isProtocolError,
  },
  {
    name: "client-response",
    share: 12,
    samples: bodiesOf("ClientResponse"),
    decode: decodeClientResponse,
    encode: (response: ClientResponse) =>
      written((writer) => encodeClientResponse(writer, response)),
    isRefusal: isProtocolError,
  },
  {
    name: "run-config",
    share: 6,
    samples: bodiesOf("Run"),
    decode: decodeRunConfig,
    encode: (config: RunConfig) => encodeRunConfig(config),
    isRefusal: isProtocolError,
  },
  {
    name: "client-frames",
    share: 4,
    samples: goldenFiles().map((file) => readGolden(file).subarray(0, 20_000)),
    decode: (bytes) => {
      const splitter = new FrameSplitter(REQUEST_FRAME);
      let frames = 0;
      for (let at = 0; at < bytes.length; at += 97) {
        splitter.push(bytes.subarray(at, at + 97));
        while (splitter.next() !== undefined) frames += 1;
      }
      return frames;
    },
    isRefusal: isProtocolError,
  },
];
