import fc from "fast-check";
import { DATA_TYPE, isLeafType } from "../../../src/core/model/symbols.ts";
import {
  type FromHolder,
  type FromPuller,
  PEER_PROTOCOL_VERSION,
} from "../../../src/protocol/peer/messages.ts";
import { payloadSizeBytes, type ValueTree } from "../../../src/protocol/peer/value-tree.ts";
import { u32 } from "../worker/arbitraries.ts";

export type Value = { kind: number; sizeBytes: number; items: number[]; offsets: number[] };

export function treeOf(values: readonly Value[]): ValueTree {
  const startsOf = (lists: readonly (readonly number[])[]): Uint32Array => {
    const starts = new Uint32Array(lists.length + 1);
    lists.forEach((list, row) => {
      starts[row + 1] = (starts[row] ?? 0) + list.length;
    });
    return starts;
  };
  return {
    kinds: Uint8Array.from(values, (value) => value.kind),
    sizesBytes: Float64Array.from(values, (value) => value.sizeBytes),
    childStarts: startsOf(values.map((value) => value.items)),
    children: Uint32Array.from(values.flatMap((value) => value.items)),
    offsetStarts: startsOf(values.map((value) => value.offsets)),
    offsets: Float64Array.from(values.flatMap((value) => value.offsets)),
  };
}

const step = fc.record({
  kind: fc.constantFrom(...Object.values(DATA_TYPE)),
  sizeBytes: fc.nat(40),
  items: fc.array(fc.nat(), { maxLength: 4 }),
  offsets: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
});

/** Any valid tree: each step adds a value over those before, and an array at the end holds the loose ones. */
export const tree: fc.Arbitrary<ValueTree> = fc.array(step, { maxLength: 8 }).map((steps) => {
  const values: Value[] = [];
  const loose = new Set<number>();
  const add = (value: Value): void => {
    for (const item of value.items) loose.delete(item);
    loose.add(values.length);
    values.push(value);
  };
  const sum = (items: readonly number[]): number =>
    items.reduce((total, item) => total + (values[item]?.sizeBytes ?? 0), 0);
  for (const { kind, sizeBytes, items, offsets } of steps) {
    const leaves = values.flatMap((value, row) => (isLeafType(value.kind) ? [row] : []));
    if (kind === DATA_TYPE.array) {
      const held = values.length === 0 ? [] : items.map((item) => item % values.length);
      add({ kind, sizeBytes: sum(held), items: held, offsets: [] });
    } else if (kind === DATA_TYPE.index && leaves.length > 0) {
      const base = leaves[(items[0] ?? 0) % leaves.length] ?? 0;
      const baseBytes = values[base]?.sizeBytes ?? 0;
      const within = offsets.map((offset) => offset % (baseBytes + 1)).sort((a, b) => a - b);
      const size = baseBytes + 8 * within.length;
      add({ kind, sizeBytes: size, items: [base], offsets: within });
    } else {
      const leaf = isLeafType(kind) ? kind : DATA_TYPE.data;
      add({ kind: leaf, sizeBytes, items: [], offsets: [] });
    }
  }
  const items = [...loose];
  if (items.length !== 1) {
    add({ kind: DATA_TYPE.array, sizeBytes: sum(items), items, offsets: [] });
  }
  return treeOf(values);
});

const serverId = fc.string({ minLength: 1, maxLength: 20 });
const port = fc.nat(65_535);
const fileName = fc.stringMatching(/^[a-z0-9]{1,8}$/);

export const fromPuller: fc.Arbitrary<FromPuller> = fc.oneof(
  fc.record({
    kind: fc.constant("hello" as const),
    proof: fc.uint8Array({ maxLength: 40 }),
    serverId,
    version: fc.constant(PEER_PROTOCOL_VERSION),
    workerId: u32,
    port,
  }),
  fc.record({
    kind: fc.constant("ticket" as const),
    version: fc.constant(PEER_PROTOCOL_VERSION),
    ticket: fc.uint8Array({ maxLength: 80 }),
  }),
  fc.record({ kind: fc.constant("proof" as const), token: serverId }),
  fc.array(fc.tuple(u32, u32, u32, fc.nat(2), fc.maxSafeNat()), { maxLength: 5 }).map((rows) => ({
    kind: "pull" as const,
    requests: {
      requestIds: Uint32Array.from(rows, ([requestId]) => requestId),
      tasks: Uint32Array.from(rows, ([, task]) => task),
      attempts: Uint32Array.from(rows, ([, , attempt]) => attempt),
      formats: Uint8Array.from(rows, ([, , , format]) => format),
      mayRedirect: Uint8Array.from(rows, ([requestId]) => requestId % 3),
      fromBytes: Float64Array.from(rows, ([, , , format, from]) => (format === 1 ? from : 0)),
    },
  })),
  fc.record({ kind: fc.constant("taken" as const), requestId: u32, isComplete: fc.boolean() }),
  fc.record({ kind: fc.constant("cancel" as const), requestId: u32 }),
);

/** With payloads small enough to make. */
export const fromHolder: fc.Arbitrary<FromHolder> = fc.oneof(
  fc.tuple(u32, tree, fc.array(fc.option(fileName))).map(([requestId, of, names]) => {
    const files: { row: number; name: string }[] = [];
    of.kinds.forEach((kind, row) => {
      const name = names[row];
      if (isLeafType(kind) && typeof name === "string") files.push({ row, name });
    });
    const payloadBytes = payloadSizeBytes(of, files);
    return { kind: "object" as const, requestId, payloadBytes, tree: of, files };
  }),
  fc.record({
    kind: fc.constant("welcome" as const),
    proof: fc.uint8Array({ maxLength: 40 }),
    tokenPath: fc.string(),
    dataDirectory: fc.string(),
  }),
  fc.record({
    kind: fc.constant("redirected" as const),
    requestId: u32,
    peer: fc.record({ workerId: u32, host: serverId, port }),
  }),
  fc.record({
    kind: fc.constant("object-frames" as const),
    requestId: u32,
    payloadBytes: fc.nat(60),
    typeId: u32,
    messageCount: fc.maxSafeNat(),
  }),
  fc.record({ kind: fc.constant("missing" as const), requestId: u32 }),
  fc.record({ kind: fc.constant("failed" as const), requestId: u32, reason: fc.string() }),
  fc.record({ kind: fc.constant("refused" as const), reason: fc.string() }),
);
