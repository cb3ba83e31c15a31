import { assert } from "../../core/base/assert.ts";
import { utf8LengthBytes } from "../../core/base/utf8.ts";
import { DEFAULT_POLICY, type PlanOptions, type TaskPolicy } from "../../core/model/policies.ts";
import type { ResourceRequest } from "../../core/model/resources.ts";
import { MAX_PLAN_FRAME_BYTES } from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { ByteWriter, putInt32 } from "../wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putInt32Field,
  putStringField,
} from "../wire/protobuf-fields.ts";
import { int32SizeBytes, varintSizeBytes } from "../wire/varint-size.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { PLAN_SYMBOL_BASE, REQUEST_TYPE } from "./message-types.ts";
import { encodeNamedPlan, type NamedPlan } from "./named-plan.ts";
import { packFixed32 } from "./packed-columns.ts";
import { encodePlanOptions } from "./plan-options.ts";
import { encodeTaskPolicy } from "./task-policy.ts";

/** Room before the tasks for the frame's header and the requests, which are known last. */
const HEADROOM_BYTES = 1024;
const NO_BYTES = new Uint8Array(0);
/** Tags and lengths of a task and of its fields, and its fields of fixed size. */
const TASK_OVERHEAD_BYTES_MAX = 64;

/** What few tasks have: a policy of their own, and inputs that may fail, by ascending position. */
export type TaskRules = {
  /** As `policyIndex` has given it; -1 for none. */
  readonly policyIndex: number;
  readonly optionalInputs?: readonly number[] | undefined;
};

/**
 * Writes a PLAN request task by task, without an object for a task.
 *
 *     | headroom: length, type, plan, requests | task | task | ... | id_base, symbols, load_checkpoints |
 */
export class PlanEncoder {
  taskCount = 0;
  private readonly writer: ByteWriter;
  private readonly requestRows = new Map<string, number>();
  private readonly requests = new ByteWriter();
  private readonly symbolIds = new Map<string, number>();
  private readonly policyRows = new Map<string, number>();
  private readonly policies = new ByteWriter(16);
  private readonly options = new ByteWriter(16);

  constructor() {
    this.writer = new ByteWriter(4096);
    this.writer.length = HEADROOM_BYTES;
  }

  /** The id that `name` has in this plan, for a symbol that the server's dictionary lacks. */
  symbolId(name: string): number {
    const known = this.symbolIds.get(name);
    if (known !== undefined) return known;
    const id = PLAN_SYMBOL_BASE + this.symbolIds.size;
    this.symbolIds.set(name, id);
    return id;
  }

  /** The index of a resource request, for `addTask`; equal requests share one. */
  requestIndex(request: ResourceRequest): number {
    const key = request.map(({ resource, amount }) => `${resource}=${amount}`).join(" ");
    const known = this.requestRows.get(key);
    if (known !== undefined) return known;
    const outer = beginMessage(this.requests, 0x0a);
    for (const { resource, amount } of request) {
      const inner = beginMessage(this.requests, 0x0a);
      putInt32Field(this.requests, 0x08, resource);
      putInt32Field(this.requests, 0x10, amount);
      endMessage(this.requests, inner);
    }
    endMessage(this.requests, outer);
    const row = this.requestRows.size;
    this.requestRows.set(key, row);
    return row;
  }

  /** The index of a policy, for `addTask`; equal policies share one. */
  policyIndex(policy: TaskPolicy): number {
    const keys = Object.keys(DEFAULT_POLICY) as (keyof TaskPolicy)[];
    const text = keys.map((key) => policy[key]).join(" ");
    const known = this.policyRows.get(text);
    if (known !== undefined) return known;
    const message = beginMessage(this.policies, 0x1e2);
    encodeTaskPolicy(this.policies, policy);
    endMessage(this.policies, message);
    const row = this.policyRows.size;
    this.policyRows.set(text, row);
    return row;
  }

  /** What holds for the plan as a whole; of chunks, each tells it. */
  setOptions(options: PlanOptions): void {
    const { defaultPolicy } = options;
    this.options.length = 0;
    const index = defaultPolicy === undefined ? -1 : this.policyIndex(defaultPolicy);
    encodePlanOptions(this.options, options, index);
  }

  /**
   * Appends the next task; its id is `idBase` + the number of tasks before it. `inputIds` are
   * client ids in positional order, `requestIndex` is -1 for a light task, text is written in UTF-8. Throws a ProtocolError
   * where the plan gets longer than a server takes.
   */
  addTask(
    taskType: number,
    config: Uint8Array | string,
    inputIds: ArrayLike<number>,
    requestIndex: number,
    isResult: boolean,
    label?: string,
    checkpointPath?: string,
    metadata?: Uint8Array,
    rules?: TaskRules,
  ): void {
    const labelBytes = label === undefined ? 0 : utf8LengthBytes(label);
    const pathBytes = checkpointPath === undefined ? 0 : utf8LengthBytes(checkpointPath);
    const configBytes = typeof config === "string" ? utf8LengthBytes(config) : config.length;
    let sizeBytes = 2 + int32SizeBytes(taskType) + varintSizeBytes(configBytes) + configBytes;
    for (let i = 0; i < inputIds.length; i++)
      sizeBytes += 1 + int32SizeBytes(inputIds[i] as number);
    if (requestIndex >= 0) sizeBytes += 1 + int32SizeBytes(requestIndex);
    if (isResult) sizeBytes += 2;
    if (checkpointPath !== undefined) sizeBytes += 1 + varintSizeBytes(pathBytes) + pathBytes;
    if (label !== undefined) sizeBytes += 1 + varintSizeBytes(labelBytes) + labelBytes;
    if (metadata !== undefined) {
      sizeBytes += 1 + varintSizeBytes(metadata.length) + metadata.length;
    }
    const ruleBytes = rules === undefined ? NO_BYTES : encodeRules(rules);
    sizeBytes += ruleBytes.length;

    const { writer } = this;
    refuseLongPlan(writer.length + sizeBytes);
    writer.ensure(sizeBytes + TASK_OVERHEAD_BYTES_MAX);
    const { bytes } = writer;
    let at = writer.length;
    bytes[at++] = 0x12;
    at = putInt32(bytes, at, sizeBytes);
    const start = at;
    bytes[at++] = 0x08;
    at = putInt32(bytes, at, taskType);
    bytes[at++] = 0x12;
    at = putInt32(bytes, at, configBytes);
    if (typeof config === "string") {
      writer.length = at;
      writer.putUtf8(config, configBytes);
    } else {
      bytes.set(config, at);
    }
    at += configBytes;
    for (let i = 0; i < inputIds.length; i++) {
      bytes[at++] = 0x18;
      at = putInt32(bytes, at, inputIds[i] as number);
    }
    if (requestIndex >= 0) {
      bytes[at++] = 0x28;
      at = putInt32(bytes, at, requestIndex);
    }
    if (isResult) {
      bytes[at++] = 0x30;
      bytes[at++] = 1;
    }
    writer.length = at;
    if (checkpointPath !== undefined) putText(writer, 0x3a, checkpointPath, pathBytes);
    if (label !== undefined) putText(writer, 0x62, label, labelBytes);
    if (metadata !== undefined) {
      writer.u8(0x6a);
      writer.lengthPrefixed(metadata);
    }
    if (ruleBytes.length > 0) writer.raw(ruleBytes);
    assert(writer.length === start + sizeBytes, "a task's size was foretold");
    this.taskCount++;
  }

  /**
   * The whole frame, header included; the encoder is then spent. Throws a ProtocolError if it is
   * longer than a server takes.
   * @param named of a plan that is to live without its client
   */
  finish(idBase: number, loadCheckpoints: boolean, named?: NamedPlan): Uint8Array {
    return this.finishAs(REQUEST_TYPE.plan, idBase, loadCheckpoints, named);
  }

  /**
   * As `finish`, for the tasks of a chunk, with what only the whole plan shows: see `Plan.priorities`
   * and `Plan.consumerCounts`.
   */
  finishChunk(idBase: number, priorities: Int32Array, consumerCounts: Uint32Array): Uint8Array {
    this.writer.varint(0x19a);
    this.writer.lengthPrefixed(packFixed32(priorities));
    this.writer.varint(0x1a2);
    this.writer.lengthPrefixed(packFixed32(consumerCounts));
    return this.finishAs(REQUEST_TYPE.planChunk, idBase, false);
  }

  private finishAs(
    type: number,
    idBase: number,
    loadCheckpoints: boolean,
    named?: NamedPlan,
  ): Uint8Array {
    const { writer, requests } = this;
    putInt32Field(writer, 0x20, idBase);
    for (const name of this.symbolIds.keys()) putStringField(writer, 0x192, name);
    if (this.policies.length > 0) writer.raw(this.policies.written());
    if (this.options.length > 0) writer.raw(this.options.written());
    const planBytes = requests.length + writer.length - HEADROOM_BYTES;
    if (loadCheckpoints) putInt32Field(writer, 0x20, 1);
    if (named !== undefined) encodeNamedPlan(writer, 0x2e2, named);

    const head = new ByteWriter(FRAME_HEADER_BYTES + 16 + requests.length);
    const bodyBytes =
      2 +
      int32SizeBytes(type) +
      varintSizeBytes(planBytes) +
      requests.length +
      writer.length -
      HEADROOM_BYTES;
    refuseLongPlan(bodyBytes);
    head.u64(bodyBytes);
    putInt32Field(head, 0x08, type);
    head.varint(0x12);
    head.varint(planBytes);
    head.raw(requests.written());
    return joinHead(head.written(), writer.take(0));
  }
}

function encodeRules({ policyIndex, optionalInputs }: TaskRules): Uint8Array {
  const writer = new ByteWriter(16);
  if (policyIndex >= 0) putInt32Field(writer, 0x1e0, policyIndex);
  if (optionalInputs !== undefined && optionalInputs.length > 0) {
    const positions = new ByteWriter(16);
    for (const position of optionalInputs) positions.varint(position);
    writer.varint(0x1ea);
    writer.lengthPrefixed(positions.written());
  }
  return writer.written();
}

function refuseLongPlan(sizeBytes: number): void {
  if (sizeBytes <= MAX_PLAN_FRAME_BYTES) return;
  throw unexpected(
    `a plan of at most ${MAX_PLAN_FRAME_BYTES} bytes`,
    `one of ${sizeBytes} or more`,
  );
}

/** Puts the head into the headroom, or, if it is too long for that, copies both. */
function joinHead(head: Uint8Array, written: Uint8Array): Uint8Array {
  if (head.length <= HEADROOM_BYTES) {
    const start = HEADROOM_BYTES - head.length;
    written.set(head, start);
    return written.subarray(start);
  }
  const tail = written.subarray(HEADROOM_BYTES);
  const frame = new Uint8Array(head.length + tail.length);
  frame.set(head);
  frame.set(tail, head.length);
  return frame;
}

function putText(writer: ByteWriter, tag: number, text: string, sizeBytes: number): void {
  writer.u8(tag);
  writer.varint(sizeBytes);
  writer.putUtf8(text, sizeBytes);
}
