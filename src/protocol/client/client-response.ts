import { unreachable } from "../../core/base/assert.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putBytesField,
  putInt32Field,
  putInt64Field,
  putStringField,
} from "../wire/protobuf-fields.ts";
import {
  DATA_LOCATION_TAG,
  type DataLocation,
  decodeDataLocation,
  encodeDataLocation,
} from "./data-location.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { encodeLogAnswer, LOG_TAG, type LogAnswer } from "./log-part.ts";
import { RESPONSE_TYPE } from "./message-types.ts";
import { packFixed32, unpackSigned32 } from "./packed-columns.ts";
import { decodeResponseError, encodeResponseError, type ResponseError } from "./response-error.ts";
import {
  decodeResultsFinished,
  encodeResultsFinished,
  type ResultsFinished,
} from "./results-finished.ts";

/** What the server tells a client. `id` is the client's number of a task. */
export type ClientResponse =
  /** So many payload frames follow at once. */
  | {
      readonly kind: "data";
      readonly id: number;
      readonly frameCount: number;
      readonly dataType: number;
    }
  /** In place of `data`, to clients with the capability "direct-data": they pull the object themselves. */
  | { readonly kind: "dataAt"; readonly id: number; readonly location: DataLocation }
  | { readonly kind: "taskFinished"; readonly id: number }
  /** Only to clients with the capability "carried-results". */
  | ({ readonly kind: "resultsFinished" } & ResultsFinished)
  /** Only to clients with the capability "cancel". */
  | { readonly kind: "resultsCanceled"; readonly ids: Int32Array }
  /** Only to clients that asked for it. */
  | ({ readonly kind: "logPart" } & LogAnswer)
  /** `CanceledTask`s in JSON; only to clients that asked for it. */
  | { readonly kind: "cancelAnswer"; readonly json: string }
  | { readonly kind: "taskFailed"; readonly error: ResponseError }
  | { readonly kind: "error"; readonly error: ResponseError }
  /** Only to clients with the capability "notices". */
  | { readonly kind: "notice"; readonly error: ResponseError }
  /**
   * Symbol *i* has id *i*. `capabilities`: what the server takes beyond the original protocol.
   * `session`: with what a client with the capability "sessions" may come back.
   */
  | {
      readonly kind: "dictionary";
      readonly symbols: readonly string[];
      readonly capabilities?: readonly string[];
      readonly session?: SessionTicket;
    }
  /** So many tasks from `id` on, a plan or a chunk of one, are not lost any more. */
  | { readonly kind: "planAccepted"; readonly id: number; readonly taskCount: number }
  | ({ readonly kind: "attached" } & Attached)
  /** `PlanSummary`s in JSON. */
  | { readonly kind: "plans"; readonly json: string }
  /** A `PlanAnswer` in JSON; for `findPlan` also the rows of what was submitted, and their labels. */
  | {
      readonly kind: "plan";
      readonly json: string;
      readonly roots: Int32Array;
      readonly labels: readonly string[];
    }
  /** The server ends, and the client's plans with it, for this reason. */
  | { readonly kind: "farewell"; readonly message: string }
  | { readonly kind: "stats"; readonly workerCount: number; readonly dataObjectCount: number }
  /** A `ClusterStatus` in JSON; only to clients that asked for it. */
  | { readonly kind: "status"; readonly json: string }
  /** `TaskExplanation`s in JSON; only to clients that asked for them. */
  | { readonly kind: "explanations"; readonly json: string };

/** What a client is given to come back with. */
export type SessionTicket = {
  readonly id: string;
  readonly secret: Uint8Array;
  /** How long the server waits for it. */
  readonly graceMs: number;
};

/** What the server says to a client that has come back. */
export type Attached = {
  /** First ids of those of its plans that the server does not have, in the order of the request. */
  readonly unknownPlans: Int32Array;
  /** First id of the plan of which more chunks are to come; -1 for none. */
  readonly openPlan: number;
  /** Tasks of it that have come. */
  readonly openPlanTasks: number;
};
const CANCELED_TAG = 0x322;

type DataHeader = { id: number; frameCount: number; dataType: number };

/** Appends a frame; of many finished results, as many as it takes. */
export function encodeClientResponse(writer: ByteWriter, response: ClientResponse): void {
  if (response.kind === "resultsFinished") {
    encodeResultsFinished(writer, response);
    return;
  }
  const frame = beginFrame(writer);
  putInt32Field(writer, 0x08, RESPONSE_TYPE[response.kind]);
  encodeBody(writer, response);
  endFrame(writer, frame);
}

function encodeBody(
  writer: ByteWriter,
  response: Exclude<ClientResponse, { kind: "resultsFinished" }>,
): void {
  switch (response.kind) {
    case "data": {
      const message = beginMessage(writer, 0x12);
      putInt32Field(writer, 0x08, response.id);
      putInt64Field(writer, 0x10, response.frameCount);
      putInt32Field(writer, 0x18, response.dataType);
      endMessage(writer, message);
      return;
    }
    case "dataAt":
      putInt32Field(writer, 0x38, response.id);
      encodeDataLocation(writer, response.location);
      return;
    case "taskFinished":
      putInt32Field(writer, 0x38, response.id);
      return;
    case "taskFailed":
    case "error":
    case "notice": {
      const message = beginMessage(writer, 0x22);
      encodeResponseError(writer, response.error);
      endMessage(writer, message);
      return;
    }
    case "dictionary":
      for (const symbol of response.symbols) putStringField(writer, 0x2a, symbol);
      for (const name of response.capabilities ?? []) putStringField(writer, 0x23a, name);
      if (response.session === undefined) return;
      putStringField(writer, 0x2d2, response.session.id);
      putBytesField(writer, 0x2da, response.session.secret);
      putInt32Field(writer, 0x2e0, response.session.graceMs);
      return;
    case "planAccepted":
      putInt32Field(writer, 0x38, response.id);
      putInt32Field(writer, 0x2e8, response.taskCount);
      return;
    case "attached": {
      const message = beginMessage(writer, 0x2f2);
      putBytesField(writer, 0x0a, packFixed32(response.unknownPlans));
      putInt32Field(writer, 0x10, response.openPlan);
      putInt32Field(writer, 0x18, response.openPlanTasks);
      endMessage(writer, message);
      return;
    }
    case "plan":
      putStringField(writer, 0x192, response.json);
      putBytesField(writer, 0x2fa, packFixed32(response.roots));
      for (const label of response.labels) putStringField(writer, 0x302, label);
      return;
    case "farewell": {
      const message = beginMessage(writer, 0x22);
      encodeResponseError(writer, { message: response.message });
      endMessage(writer, message);
      return;
    }
    case "stats": {
      const message = beginMessage(writer, 0x32);
      putInt32Field(writer, 0x08, response.workerCount);
      putInt32Field(writer, 0x10, response.dataObjectCount);
      endMessage(writer, message);
      return;
    }
    case "logPart":
      encodeLogAnswer(writer, response);
      return;
    case "resultsCanceled":
      putBytesField(writer, CANCELED_TAG, packFixed32(response.ids));
      return;
    case "status":
    case "cancelAnswer":
    case "explanations":
    case "plans":
      putStringField(writer, 0x192, response.json);
      return;
    default:
      unreachable(response);
  }
}

/** Decodes a frame's body. Throws a ProtocolError. */
export function decodeClientResponse(frame: Uint8Array): ClientResponse {
  let type: number | undefined;
  let id = 0;
  let data: DataHeader | undefined;
  let error: ResponseError = { id: 0, worker: "", message: "" };
  let stats = { workerCount: 0, dataObjectCount: 0 };
  let json = "";
  const symbols: string[] = [];
  const capabilities: string[] = [];
  let finished: ResultsFinished | undefined;
  let location: DataLocation | undefined;
  let sessionId: string | undefined;
  let secret = new Uint8Array(0);
  let graceMs = 0;
  let taskCount = 0;
  let attached: Attached = { unknownPlans: new Int32Array(0), openPlan: -1, openPlanTasks: 0 };
  let roots = new Int32Array(0);
  const labels: string[] = [];
  let canceled = new Int32Array(0);
  const log = { request: 0, flag: 0, bytes: new Uint8Array(0), next: 0, skippedBytes: 0 };
  const reader = new ByteReader(frame);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) type = reader.int32();
    else if (tag === 0x12) data = decodeDataHeader(reader);
    else if (tag === 0x22) error = decodeResponseError(reader);
    else if (tag === 0x2a) symbols.push(reader.string());
    else if (tag === 0x32) stats = decodeStats(reader);
    else if (tag === 0x38) id = reader.int32();
    else if (tag === DATA_LOCATION_TAG) location = decodeDataLocation(reader);
    else if (tag === 0x232) finished = decodeResultsFinished(reader);
    else if (tag === 0x23a) capabilities.push(reader.string());
    else if (tag === LOG_TAG.request) log.request = reader.int32();
    else if (tag === LOG_TAG.flag) log.flag = reader.int32();
    else if (tag === LOG_TAG.bytes) log.bytes = reader.lengthPrefixed().slice();
    else if (tag === LOG_TAG.position) log.next = reader.int64();
    else if (tag === LOG_TAG.skippedBytes) log.skippedBytes = reader.int64();
    else if (tag === CANCELED_TAG) canceled = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x192) json = reader.string();
    else if (tag === 0x2d2) sessionId = reader.string();
    else if (tag === 0x2da) secret = reader.lengthPrefixed().slice();
    else if (tag === 0x2e0) graceMs = reader.int32();
    else if (tag === 0x2e8) taskCount = reader.int32();
    else if (tag === 0x2f2) attached = decodeAttached(reader);
    else if (tag === 0x2fa) roots = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x302) labels.push(reader.string());
    else reader.skip(tag);
  }
  switch (type) {
    case RESPONSE_TYPE.data:
      if (data === undefined) throw new ProtocolError("a response of type DATA has no data");
      return { kind: "data", ...data };
    case RESPONSE_TYPE.dataAt:
      if (location === undefined) throw new ProtocolError("a DATA_AT without a location");
      return { kind: "dataAt", id, location };
    case RESPONSE_TYPE.taskFinished:
      return { kind: "taskFinished", id };
    case RESPONSE_TYPE.resultsFinished:
      if (finished === undefined) throw new ProtocolError("a RESULTS_FINISHED without results");
      return { kind: "resultsFinished", ids: finished.ids, carried: finished.carried };
    case RESPONSE_TYPE.taskFailed:
      return { kind: "taskFailed", error };
    case RESPONSE_TYPE.error:
      return { kind: "error", error };
    case RESPONSE_TYPE.notice:
      return { kind: "notice", error };
    case RESPONSE_TYPE.dictionary:
      return {
        kind: "dictionary",
        symbols,
        ...(capabilities.length === 0 ? {} : { capabilities }),
        ...(sessionId === undefined ? {} : { session: { id: sessionId, secret, graceMs } }),
      };
    case RESPONSE_TYPE.planAccepted:
      return { kind: "planAccepted", id, taskCount };
    case RESPONSE_TYPE.attached:
      return { kind: "attached", ...attached };
    case RESPONSE_TYPE.plans:
      return { kind: "plans", json };
    case RESPONSE_TYPE.plan:
      return { kind: "plan", json, roots, labels };
    case RESPONSE_TYPE.farewell:
      return { kind: "farewell", message: error.message };
    case RESPONSE_TYPE.stats:
      return { kind: "stats", ...stats };
    case RESPONSE_TYPE.status:
      return { kind: "status", json };
    case RESPONSE_TYPE.logPart: {
      const { request, flag, bytes, next, skippedBytes } = log;
      const part = flag === 2 ? undefined : { bytes, next, skippedBytes, isEnd: flag === 1 };
      return { kind: "logPart", request, part };
    }
    case RESPONSE_TYPE.resultsCanceled:
      return { kind: "resultsCanceled", ids: canceled };
    case RESPONSE_TYPE.cancelAnswer:
      return { kind: "cancelAnswer", json };
    case RESPONSE_TYPE.explanations:
      return { kind: "explanations", json };
    default:
      throw unexpected("a known type of response", `type ${type ?? "missing"}`);
  }
}

function decodeAttached(reader: ByteReader): Attached {
  let unknownPlans = new Int32Array(0);
  let openPlan = -1;
  let openPlanTasks = 0;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) unknownPlans = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x10) openPlan = reader.int32();
    else if (tag === 0x18) openPlanTasks = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return { unknownPlans, openPlan, openPlanTasks };
}

function decodeDataHeader(reader: ByteReader): DataHeader {
  let id: number | undefined;
  let frameCount: number | undefined;
  let dataType: number | undefined;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) id = reader.int32();
    else if (tag === 0x10) frameCount = reader.int64();
    else if (tag === 0x18) dataType = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (id === undefined || frameCount === undefined || dataType === undefined) {
    throw new ProtocolError("a DATA header lacks its id, n_messages or type_id");
  }
  if (frameCount < 0) throw unexpected("a number of frames >= 0", String(frameCount));
  return { id, frameCount, dataType };
}

function decodeStats(reader: ByteReader): { workerCount: number; dataObjectCount: number } {
  let workerCount = 0;
  let dataObjectCount = 0;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) workerCount = reader.int32();
    else if (tag === 0x10) dataObjectCount = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return { workerCount, dataObjectCount };
}
