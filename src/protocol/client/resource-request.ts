import type { ResourceRequest } from "../../core/model/resources.ts";
import { MAX_REQUEST_RESOURCES } from "../limits.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { PlanRefusal } from "./plan-context.ts";

/** Pairs of a resource's symbol id, as the plan has it, and its amount: any int32. */
export type RawRequest = readonly number[];

/** Reads a nested ResourceRequest. */
export function decodeResourceRequest(reader: ByteReader): RawRequest {
  const pairs: number[] = [];
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag !== 0x0a) {
      reader.skip(tag);
      continue;
    }
    if (pairs.length === 2 * MAX_REQUEST_RESOURCES) {
      throw unexpected(`at most ${MAX_REQUEST_RESOURCES} resources in one request`, "more");
    }
    decodeResource(reader, pairs);
  }
  reader.leave(outerEnd);
  return pairs;
}

function decodeResource(reader: ByteReader, pairs: number[]): void {
  let resource: number | undefined;
  let amount: number | undefined;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) resource = reader.int32();
    else if (tag === 0x10) amount = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (resource === undefined) throw new ProtocolError("a Resource has no resource_type");
  if (amount === undefined) throw new ProtocolError("a Resource has no value");
  pairs.push(resource, amount);
}

/**
 * A request of the model: amounts of 0 are left out. Throws a PlanRefusal for an amount below 0, a
 * resource named twice, and a symbol that names no resource.
 */
export function checkResourceRequest(
  raw: RawRequest,
  index: number,
  symbolOf: (planSymbol: number) => number | undefined,
  isResource: (symbolId: number) => boolean,
): ResourceRequest {
  const request: { resource: number; amount: number }[] = [];
  const seen: number[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const planSymbol = raw[i] as number;
    const amount = raw[i + 1] as number;
    const resource = symbolOf(planSymbol);
    const where = `resource request ${index}`;
    if (resource === undefined || !isResource(resource)) {
      throw new PlanRefusal(`${where}: expected the symbol of a resource, got ${planSymbol}`);
    }
    if (amount < 0) throw new PlanRefusal(`${where}: expected an amount >= 0, got ${amount}`);
    if (seen.includes(resource)) {
      throw new PlanRefusal(`${where}: expected each resource once, got ${planSymbol} twice`);
    }
    seen.push(resource);
    if (amount > 0) request.push({ resource, amount });
  }
  return request;
}
