import { unreachable } from "../../core/base/assert.ts";
import type { Plan } from "../../core/model/plan.ts";
import { LOG_STREAMS, type LogStream } from "../../core/model/task-log.ts";
import { MAX_REQUEST_FRAME_BYTES } from "../limits.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import {
  putBytesField,
  putInt32Field,
  putInt64Field,
  putStringField,
} from "../wire/protobuf-fields.ts";
import { decodePlan } from "./decode-plan.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { decodeHeldResults, encodeHeldResults, type HeldResults } from "./held-results.ts";
import { LOG_TAG } from "./log-part.ts";
import { REQUEST_TYPE } from "./message-types.ts";
import { checkPlanName, decodeNamedPlan, type NamedPlan } from "./named-plan.ts";
import { packFixed32, unpackSigned32 } from "./packed-columns.ts";
import type { PlanContext } from "./plan-context.ts";

/** Every request but a plan. `id` is the client's number of a task. */
export type SmallRequest =
  | { readonly kind: "fetch"; readonly id: number }
  | { readonly kind: "release"; readonly id: number }
  /** Only to servers with the capability "releases". */
  | { readonly kind: "releaseMany"; readonly ids: Int32Array }
  /** A plan of `taskCount` tasks from `id` on comes in chunks. Only to servers with "plan-chunks". */
  | { readonly kind: "planBegin"; readonly id: number; readonly taskCount: number }
  /** All chunks have come. */
  | { readonly kind: "planEnd" }
  | { readonly kind: "stats" }
  /** Answered by the same shape in JSON. */
  | { readonly kind: "status" }
  /** Answered by `explanations` of the tasks that `query` means: a number, `CLIENT/NUMBER`, a label; empty: the asking client's task \`id\`. */
  | { readonly kind: "explain"; readonly id: number; readonly query: string }
  /**
   * Ends these tasks, with all that needs them and is not finished; with `isWholePlan`, their plans.
   * `query` means tasks of any client, as in `explain`, and is answered by `cancelAnswer`; with ids,
   * it is empty. Only to servers with the capability "cancel".
   */
  | {
      readonly kind: "cancel";
      readonly ids: Int32Array;
      readonly query: string;
      readonly isWholePlan: boolean;
    }
  /**
   * What the client's task `id`, or the first one that `query` means, wrote, from `position` on;
   * answered by `logPart` with the same number. Only to servers with the capability "logs".
   */
  | {
      readonly kind: "readLog";
      readonly request: number;
      readonly id: number;
      readonly query: string;
      readonly stream: LogStream;
      readonly position: number;
      readonly isFollowing: boolean;
    }
  /** The result that `dataAt` has told of has come, or the server is to send it by itself. */
  | { readonly kind: "pullEnded"; readonly id: number; readonly isComplete: boolean }
  | { readonly kind: "trace"; readonly path: string }
  /** The worker of this number is to leave once nothing is lost by that. Answered by `status`. */
  | { readonly kind: "drainWorker"; readonly id: number }
  | { readonly kind: "terminate" }
  /** The client leaves for good. This and the following only to servers with "sessions". */
  | { readonly kind: "goodbye" }
  /** The client has come back with these results. Answered by `attached`, after the last part. */
  | { readonly kind: "attach"; readonly held: HeldResults }
  /** Answered by `plans`. */
  | { readonly kind: "listPlans" }
  /** Answered by `plan`, as are the following two. */
  | { readonly kind: "findPlan"; readonly name: string }
  | { readonly kind: "forgetPlan"; readonly name: string }
  | { readonly kind: "cancelPlan"; readonly name: string }
  /** The plan's tasks are to have, at this client, the ids from `id` on. */
  | { readonly kind: "attachPlan"; readonly name: string; readonly id: number };

export type ClientRequest =
  | {
      readonly kind: "plan";
      readonly plan: Plan;
      readonly loadCheckpoints: boolean;
      /** Of a plan that is to live without its client. */
      readonly named?: NamedPlan;
    }
  /** The next tasks of the plan that was begun; its id base is the id of the first of them. */
  | { readonly kind: "planChunk"; readonly plan: Plan }
  | SmallRequest;

const WHOLE_PLAN_TAG = 0x320;

/** Appends a frame. Plans are written by `PlanEncoder`. */
export function encodeSmallRequest(writer: ByteWriter, request: SmallRequest): void {
  const frame = beginFrame(writer);
  putInt32Field(writer, 0x08, REQUEST_TYPE[request.kind]);
  switch (request.kind) {
    case "fetch":
    case "release":
    case "drainWorker":
      putInt32Field(writer, 0x18, request.id);
      break;
    case "releaseMany":
      putBytesField(writer, 0x232, packFixed32(request.ids));
      break;
    case "readLog":
      putInt32Field(writer, 0x18, request.id);
      putStringField(writer, 0x1e2, request.query);
      putInt32Field(writer, LOG_TAG.request, request.request);
      putInt32Field(writer, LOG_TAG.stream, LOG_STREAMS.indexOf(request.stream));
      putInt64Field(writer, LOG_TAG.position, request.position);
      putInt32Field(writer, LOG_TAG.flag, request.isFollowing ? 1 : 0);
      break;
    case "cancel":
      putStringField(writer, 0x1e2, request.query);
      putBytesField(writer, 0x232, packFixed32(request.ids));
      putInt32Field(writer, WHOLE_PLAN_TAG, request.isWholePlan ? 1 : 0);
      break;
    case "pullEnded":
      putInt32Field(writer, 0x18, request.id);
      putInt32Field(writer, 0x250, request.isComplete ? 1 : 0);
      break;
    case "trace":
      putStringField(writer, 0x3a, request.path);
      break;
    case "planBegin":
      putInt32Field(writer, 0x18, request.id);
      putInt32Field(writer, 0x280, request.taskCount);
      break;
    case "explain":
      putInt32Field(writer, 0x18, request.id);
      putStringField(writer, 0x1e2, request.query);
      break;
    case "attach":
      encodeHeldResults(writer, 0x2d2, request.held);
      break;
    case "attachPlan":
      putInt32Field(writer, 0x18, request.id);
      putStringField(writer, 0x2da, request.name);
      break;
    case "findPlan":
    case "forgetPlan":
    case "cancelPlan":
      putStringField(writer, 0x2da, request.name);
      break;
    case "planEnd":
    case "stats":
    case "status":
    case "terminate":
    case "goodbye":
    case "listPlans":
      break;
    default:
      unreachable(request);
  }
  endFrame(writer, frame);
}

/** The number of a request's type, before anything else of it is looked at; 0 if it has none. */
export function findRequestType(frame: Uint8Array): number {
  let type = 0;
  const reader = new ByteReader(frame);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) type = reader.int32();
    else reader.skip(tag);
  }
  return type;
}

/**
 * Decodes a frame's body. A plan keeps views of it. Throws a ProtocolError, which is a PlanRefusal
 * where the bytes are sound but the plan may not run.
 */
export function decodeClientRequest(frame: Uint8Array, context: PlanContext): ClientRequest {
  let type: number | undefined;
  let id = 0;
  let ids = new Int32Array(0);
  let path = "";
  let query = "";
  let loadCheckpoints = false;
  let isComplete = false;
  let isWholePlan = false;
  const log = { request: 0, stream: 0, position: 0, isFollowing: false };
  let taskCount = 0;
  let planStart = -1;
  let planEnd = -1;
  let held: HeldResults | undefined;
  let name = "";
  let named: NamedPlan | undefined;
  const reader = new ByteReader(frame);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) type = reader.int32();
    else if (tag === 0x12) {
      // Protobuf would merge two; no client means that, and the ids of the tasks would be in doubt.
      if (planStart >= 0) throw unexpected("one plan in a request", "a second one");
      const sizeBytes = reader.lengthPrefix();
      planStart = reader.position;
      planEnd = planStart + sizeBytes;
      reader.position = planEnd;
    } else if (tag === 0x18) id = reader.int32();
    else if (tag === 0x20) loadCheckpoints = reader.bool();
    else if (tag === 0x3a) path = reader.string();
    else if (tag === 0x232) ids = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x250) isComplete = reader.bool();
    else if (tag === 0x280) taskCount = reader.int32();
    else if (tag === WHOLE_PLAN_TAG) isWholePlan = reader.bool();
    else if (tag === LOG_TAG.request) log.request = reader.int32();
    else if (tag === LOG_TAG.stream) log.stream = reader.int32();
    else if (tag === LOG_TAG.position) log.position = reader.int64();
    else if (tag === LOG_TAG.flag) log.isFollowing = reader.bool();
    else if (tag === 0x1e2) query = reader.string();
    else if (tag === 0x2d2) held = decodeHeldResults(reader);
    else if (tag === 0x2da) name = reader.string();
    else if (tag === 0x2e2) named = decodeNamedPlan(reader);
    else reader.skip(tag);
  }
  if (type === REQUEST_TYPE.plan || type === REQUEST_TYPE.planChunk) {
    if (planStart < 0) throw new ProtocolError("a request of type PLAN or PLAN_CHUNK has no plan");
    const plan = decodePlan(frame, planStart, planEnd, context);
    if (type === REQUEST_TYPE.planChunk) return { kind: "planChunk", plan };
    if (named !== undefined) return { kind: "plan", plan, loadCheckpoints, named };
    return { kind: "plan", plan, loadCheckpoints };
  }
  if (frame.length > MAX_REQUEST_FRAME_BYTES) {
    throw unexpected(
      `at most ${MAX_REQUEST_FRAME_BYTES} bytes in a request that is no PLAN`,
      String(frame.length),
    );
  }
  switch (type) {
    case REQUEST_TYPE.fetch:
      return { kind: "fetch", id };
    case REQUEST_TYPE.release:
      return { kind: "release", id };
    case REQUEST_TYPE.releaseMany:
      return { kind: "releaseMany", ids };
    case REQUEST_TYPE.planBegin:
      return { kind: "planBegin", id, taskCount };
    case REQUEST_TYPE.planEnd:
      return { kind: "planEnd" };
    case REQUEST_TYPE.stats:
      return { kind: "stats" };
    case REQUEST_TYPE.status:
      return { kind: "status" };
    case REQUEST_TYPE.explain:
      return { kind: "explain", id, query };
    case REQUEST_TYPE.readLog: {
      const { request, position, isFollowing } = log;
      const stream = LOG_STREAMS[log.stream];
      if (stream === undefined || position < 0) {
        throw new ProtocolError("expected a stream of a log and a position in it");
      }
      return { kind: "readLog", request, id, query, stream, position, isFollowing };
    }
    case REQUEST_TYPE.cancel:
      return { kind: "cancel", ids, query, isWholePlan };
    case REQUEST_TYPE.pullEnded:
      return { kind: "pullEnded", id, isComplete };
    case REQUEST_TYPE.trace:
      return { kind: "trace", path };
    case REQUEST_TYPE.drainWorker:
      return { kind: "drainWorker", id };
    case REQUEST_TYPE.terminate:
      return { kind: "terminate" };
    case REQUEST_TYPE.goodbye:
      return { kind: "goodbye" };
    case REQUEST_TYPE.attach:
      if (held === undefined) throw new ProtocolError("an ATTACH without results");
      return { kind: "attach", held };
    case REQUEST_TYPE.listPlans:
      return { kind: "listPlans" };
    case REQUEST_TYPE.findPlan:
    case REQUEST_TYPE.forgetPlan:
    case REQUEST_TYPE.cancelPlan:
      checkPlanName(name);
      return { kind: ABOUT_PLAN[type], name };
    case REQUEST_TYPE.attachPlan:
      checkPlanName(name);
      return { kind: "attachPlan", name, id };
    default:
      throw unexpected("a known type of request", `type ${type ?? "missing"}`);
  }
}

const ABOUT_PLAN = { 93: "findPlan", 95: "forgetPlan", 96: "cancelPlan" } as const;
