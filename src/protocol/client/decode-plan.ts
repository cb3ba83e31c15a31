import type { Plan } from "../../core/model/plan.ts";
import {
  MAX_NAME_BYTES,
  MAX_PLAN_INPUTS,
  MAX_PLAN_POLICIES,
  MAX_PLAN_REQUESTS,
  MAX_PLAN_SYMBOLS,
} from "../limits.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { checkPlan } from "./check-plan.ts";
import { unpackFixed32, unpackSigned32 } from "./packed-columns.ts";
import { createRanges, NO_TASK_TYPE, PlanColumns } from "./plan-columns.ts";
import { type PlanContext, PlanRefusal, taskName } from "./plan-context.ts";
import { createRawPlanOptions, decodePlanOption } from "./plan-options.ts";
import { decodeResourceRequest, type RawRequest } from "./resource-request.ts";
import { decodeTaskPolicy, type RawPolicy } from "./task-policy.ts";

/** Of a small task: columns for tasks of this size take less than twice the memory of their bytes. */
const SMALL_TASK_BYTES = 24;
/** So many are decoded before the size of the rest is guessed from theirs. */
const MAX_FIRST_ROWS = 4096;

/**
 * Decodes the Plan at `bytes[start .. end]` into columns, in one pass and without an object for a
 * task, then checks what can be checked without other plans. The columns are views of memory that
 * may have room for more rows, see `trimPlan`; the ranges point into `bytes`.
 */
export function decodePlan(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: PlanContext,
): Plan {
  const smallTasks = Math.ceil((end - start) / SMALL_TASK_BYTES);
  const columns = new PlanColumns(Math.min(MAX_FIRST_ROWS, Math.max(1, smallTasks)));
  const requests: RawRequest[] = [];
  const symbols: string[] = [];
  const policies: RawPolicy[] = [];
  const options = createRawPlanOptions();
  let idBase = 0;
  const reader = new ByteReader(bytes, start, end);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x12) {
      const { taskCount } = columns;
      if (taskCount === columns.capacity) {
        const likeSoFar = (1.02 * taskCount * (end - start)) / (reader.position - start);
        columns.grow(Math.ceil(Math.min(likeSoFar, smallTasks)));
      }
      const outerEnd = reader.enter();
      try {
        decodeTask(reader, columns);
      } catch (error) {
        throw namingTask(error, taskCount, findIdBase(bytes, start, end));
      }
      reader.leave(outerEnd);
    } else if (tag === 0x0a) {
      if (requests.length === MAX_PLAN_REQUESTS) {
        throw unexpected(`at most ${MAX_PLAN_REQUESTS} resource requests in a plan`, "more");
      }
      requests.push(decodeResourceRequest(reader));
    } else if (tag === 0x20) idBase = reader.int32();
    else if (tag === 0x19a) columns.priorities = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x1a2) columns.consumerCounts = unpackFixed32(reader.lengthPrefixed());
    else if (tag === 0x192) symbols.push(decodeSymbol(reader, symbols.length));
    else if (tag === 0x1e2) {
      if (policies.length === MAX_PLAN_POLICIES) {
        throw unexpected(`at most ${MAX_PLAN_POLICIES} policies in a plan`, "more");
      }
      policies.push(decodeTaskPolicy(reader));
    } else if (!decodePlanOption(reader, tag, options)) reader.skip(tag);
  }
  try {
    const raw = { bytes, idBase, columns, requests, symbols, policies, options };
    return checkPlan(raw, context);
  } catch (error) {
    if (error instanceof PlanRefusal) error.idBase = idBase;
    throw error;
  }
}

/**
 * The hot loop of the room: what nearly every task has is read in place, from local variables; all
 * else goes through the reader, whose `position` is set before and fetched after.
 */
function decodeTask(reader: ByteReader, columns: PlanColumns): void {
  const { bytes, end } = reader;
  const row = columns.taskCount;
  let at = reader.position;
  let taskType = NO_TASK_TYPE;
  let requestIndex = -1;
  // No range of a message begins at 0: a tag is before it.
  let configStart = 0;
  const firstInput = columns.inputCount;
  while (at < end) {
    const tag = bytes[at++] as number;
    const byte = at < end ? (bytes[at] as number) : 0xff;
    switch (tag) {
      case 0x08:
        if (byte < 0x80) {
          taskType = byte;
          at++;
        } else {
          reader.position = at;
          taskType = reader.int32();
          at = reader.position;
        }
        break;
      case 0x12: {
        let sizeBytes = byte;
        if (byte < 0x80 && at + byte < end) at++;
        else {
          reader.position = at;
          sizeBytes = reader.lengthPrefix();
          at = reader.position;
        }
        configStart = at;
        columns.configs.starts[row] = at;
        columns.configs.lengths[row] = sizeBytes;
        at += sizeBytes;
        break;
      }
      case 0x18: {
        let id = byte;
        if (byte < 0x80) at++;
        else if (end - at >= 2 && (bytes[at + 1] as number) < 0x80) {
          id = (byte & 0x7f) | ((bytes[at + 1] as number) << 7);
          at += 2;
        } else if (end - at >= 3 && (bytes[at + 2] as number) < 0x80) {
          id =
            (byte & 0x7f) |
            (((bytes[at + 1] as number) & 0x7f) << 7) |
            ((bytes[at + 2] as number) << 14);
          at += 3;
        } else {
          reader.position = at;
          id = reader.int32();
          at = reader.position;
        }
        if (columns.inputCount === columns.inputIds.length) columns.growInputs();
        columns.inputIds[columns.inputCount++] = id;
        break;
      }
      case 0x28:
        if (byte < 0x80) {
          requestIndex = byte;
          at++;
        } else {
          reader.position = at;
          requestIndex = reader.int32();
          at = reader.position;
        }
        break;
      case 0x62:
        columns.labels ??= createRanges(columns.capacity);
        reader.position = at;
        decodeRange(reader, columns.labels, row);
        at = reader.position;
        break;
      default:
        reader.position = at - 1;
        decodeOtherField(reader, columns, row, firstInput);
        at = reader.position;
    }
  }
  reader.position = at;
  if (taskType === NO_TASK_TYPE) throw new ProtocolError("its task_type is missing");
  if (configStart === 0) throw new ProtocolError("its config is missing");
  columns.taskTypes[row] = taskType;
  columns.requestIndexes[row] = requestIndex;
  columns.inputStarts[row + 1] = columns.inputCount;
  columns.taskCount = row + 1;
}

function decodeOtherField(
  reader: ByteReader,
  columns: PlanColumns,
  row: number,
  firstInput: number,
): void {
  const tag = reader.tag();
  switch (tag) {
    case 0x1a:
      decodePackedInputs(reader, columns);
      return;
    case 0x30:
      columns.isResult[row] = reader.bool() ? 1 : 0;
      return;
    case 0x3a:
      columns.checkpointPaths ??= createRanges(columns.capacity);
      decodeRange(reader, columns.checkpointPaths, row);
      return;
    case 0x6a:
      columns.metadata ??= createRanges(columns.capacity);
      decodeRange(reader, columns.metadata, row);
      return;
    case 0x1e0:
      columns.policyIndexes ??= new Int32Array(columns.capacity).fill(-1);
      columns.policyIndexes[row] = reader.int32();
      return;
    case 0x1ea:
      decodeOptionalInputs(reader, columns, firstInput);
      return;
    case 0x08:
    case 0x12:
    case 0x18:
    case 0x28:
    case 0x62:
      // Read above, unless padded: no encoder does that, and to skip it would lose a field.
      throw unexpected("the tag of a task's field in one byte", "a longer form of it");
    default:
      reader.skip(tag);
  }
}

function decodePackedInputs(reader: ByteReader, columns: PlanColumns): void {
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    if (columns.inputCount === columns.inputIds.length) columns.growInputs();
    columns.inputIds[columns.inputCount++] = reader.int32();
  }
  reader.leave(outerEnd);
}

/** Positions among the task's own inputs, ascending, each once. */
function decodeOptionalInputs(
  reader: ByteReader,
  { optionalInputs, optionalRows, taskCount }: PlanColumns,
  firstInput: number,
): void {
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const position = firstInput + reader.varint();
    const last = optionalInputs.length === 0 ? -1 : optionalInputs.at(optionalInputs.length - 1);
    if (position <= last) {
      throw new ProtocolError("expected positions of optional inputs that rise");
    }
    if (position >= MAX_PLAN_INPUTS) {
      throw unexpected(`a position below ${MAX_PLAN_INPUTS}`, String(position));
    }
    optionalInputs.push(position);
    optionalRows.push(taskCount);
  }
  reader.leave(outerEnd);
}

function decodeRange(
  reader: ByteReader,
  ranges: { starts: Uint32Array; lengths: Uint32Array },
  row: number,
): void {
  const sizeBytes = reader.lengthPrefix();
  ranges.starts[row] = reader.position;
  ranges.lengths[row] = sizeBytes;
  reader.position += sizeBytes;
}

function decodeSymbol(reader: ByteReader, index: number): string {
  if (index === MAX_PLAN_SYMBOLS) {
    throw unexpected(`at most ${MAX_PLAN_SYMBOLS} symbols in a plan`, "more");
  }
  const bytes = reader.lengthPrefixed();
  if (bytes.length > MAX_NAME_BYTES) {
    throw unexpected(`a symbol of at most ${MAX_NAME_BYTES} bytes`, `one of ${bytes.length}`);
  }
  return decodeUtf8(bytes);
}

/** The error, with the task it is about; a task's own bytes do not say which one it is. */
function namingTask(error: unknown, row: number, idBase: number | undefined): unknown {
  if (!(error instanceof ProtocolError)) return error;
  const name = idBase === undefined ? `the task in row ${row} of the plan` : taskName(idBase, row);
  return new ProtocolError(`${name}: ${error.message}`);
}

/** `id_base` comes after the tasks as a rule; undefined where the bytes before it are broken too. */
function findIdBase(bytes: Uint8Array, start: number, end: number): number | undefined {
  const reader = new ByteReader(bytes, start, end);
  let idBase = 0;
  try {
    while (reader.position < reader.end) {
      const tag = reader.tag();
      if (tag === 0x20) idBase = reader.int32();
      else reader.skip(tag);
    }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
  return idBase;
}
