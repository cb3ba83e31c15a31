import { serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isPythonObject, type Value } from "../../src/client/index.ts";
import { ValueBuilder } from "../../src/client/results/value-builder.ts";
import { BUILTIN_SYMBOLS, DATA_TYPE } from "../../src/core/model/symbols.ts";
import { arrayFrames, indexFrames } from "./support/payload.ts";

const nameOf = (id: number): string | undefined => BUILTIN_SYMBOLS[id];

function build(type: string, frames: readonly Buffer[]): unknown {
  const builder = new ValueBuilder(type, frames.length, nameOf);
  for (const frame of frames) builder.add(frame);
  return builder.finish();
}

const { nested } = fc.letrec<{ nested: Value; leaf: Buffer }>((tie) => ({
  nested: fc.oneof({ depthSize: "small" }, tie("leaf"), fc.array(tie("nested"), { maxLength: 4 })),
  leaf: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
}));

test("an array of arrays arrives as it was", () => {
  fc.assert(
    fc.property(fc.array(nested), (value) => {
      expect(build("loom/array", arrayFrames(value))).toEqual(value);
    }),
  );
});

test("an index arrives as its items, which share one memory", () => {
  const items = build("loom/index", indexFrames(Buffer.from("a\nbc\nd"), [0, 2, 5, 6])) as Buffer[];
  expect(items.map(String)).toEqual(["a\n", "bc\n", "d"]);
  expect(new Set(items.map(({ buffer }) => buffer)).size).toBe(1);
  expect(build("loom/index", indexFrames(Buffer.alloc(0), [0]))).toEqual([]);
});

test("lists may be nested a million deep", () => {
  const depth = 1_000_000;
  const type = Buffer.alloc(4);
  type.writeUInt32LE(DATA_TYPE.array);
  const builder = new ValueBuilder("loom/array", depth, nameOf);
  for (let i = 1; i < depth; i++) builder.add(type);
  builder.add(Buffer.alloc(0));
  let value = builder.finish();
  let levels = 1;
  while (Array.isArray(value) && value.length > 0) {
    value = value[0];
    levels += 1;
  }
  expect(levels).toBe(depth);
});

test.each<[string, string, Buffer[]]>([
  ["too few frames", "loom/array", arrayFrames([Buffer.from("a")]).slice(0, 1)],
  ["too many frames", "loom/data", [Buffer.alloc(1), Buffer.alloc(1)]],
  ["an unknown type", "my/thing", [Buffer.alloc(1)]],
  ["an unknown type of an item", "loom/array", [Buffer.from([99, 0, 0, 0]), Buffer.alloc(1)]],
  ["half a type", "loom/array", [Buffer.alloc(3)]],
  ["half an offset", "loom/index", [Buffer.alloc(15), Buffer.alloc(1)]],
  ["offsets that fall", "loom/index", indexFrames(Buffer.alloc(5), [0, 3, 2])],
  ["offsets outside of the base", "loom/index", indexFrames(Buffer.alloc(5), [0, 6])],
])("refuses %s", (_, type, frames) => {
  expect(() => build(type, frames)).toThrow(expect.objectContaining({ name: "ProtocolError" }));
});

test.each<[string, string, Buffer, unknown]>([
  ["JSON", "loom/json", Buffer.from('{"a":[1,"é"]}'), { a: [1, "é"] }],
  [
    "what JSON has no words for",
    "loom/jsobj",
    serialize(new Map([["a", new Date(5)]])),
    new Map([["a", new Date(5)]]),
  ],
])("reads %s", (_, type, frame, value) => {
  expect(build(type, [frame])).toEqual(value);
  const types = Buffer.alloc(4);
  types.writeUInt32LE(BUILTIN_SYMBOLS.indexOf(type as never));
  expect(build("loom/array", [types, frame])).toEqual([value]);
});

test.each([
  ["loom/json", Buffer.from("{")],
  ["loom/jsobj", Buffer.from("a pickle")],
])("says that it cannot read a value of type %s", (type, frame) => {
  expect(() => build(type, [frame])).toThrow(
    expect.objectContaining({ code: "result-unreadable", message: expect.stringContaining(type) }),
  );
});

test("tables are left open, for what reads them to be loaded", () => {
  const types = Buffer.alloc(8);
  types.writeUInt32LE(DATA_TYPE.arrow);
  types.writeUInt32LE(DATA_TYPE.array, 4);
  const inner = Buffer.alloc(4);
  inner.writeUInt32LE(DATA_TYPE.arrow);
  const builder = new ValueBuilder("loom/array", 4, nameOf);
  for (const frame of [types, Buffer.from("one"), inner, Buffer.from("two")]) builder.add(frame);
  for (const { bytes, put } of builder.tables) put(`table ${bytes}`);
  expect(builder.finish()).toEqual(["table one", ["table two"]]);

  const alone = new ValueBuilder("loom/arrow", 1, nameOf);
  alone.add(Buffer.from("three"));
  alone.tables[0]?.put("a table");
  expect(alone.finish()).toBe("a table");
});

test("a Python object is a handle that says what it is when it is used", () => {
  const handle = build("loom/pyobj", [Buffer.from("a pickle")]) as { predict(): number };
  expect(isPythonObject(handle) && handle.sizeBytes).toBe(8);
  expect(() => handle.predict()).toThrow(
    /handle to a Python object \(a pickle of 8 bytes\).*predict/,
  );
  expect(() => JSON.stringify(handle)).toThrow(TypeError);
  expect(() => `${handle}`).toThrow(TypeError);
  expect(() => [...(handle as unknown as Iterable<unknown>)]).toThrow(TypeError);
});

test("a handle can be awaited", async () => {
  const handle = build("loom/pyobj", [Buffer.from("a pickle")]);
  expect((await Promise.resolve(handle)) === handle).toBe(true);
});
