import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { DATA_TYPE } from "../../../src/core/model/symbols.ts";
import { encodeOffsets } from "../../../src/worker/store/index-offsets.ts";
import { createRawWriter } from "../../../src/worker/store/raw-writer.ts";
import { readValue } from "../../../src/worker/store/read-value.ts";
import { createStore, type Store } from "../../../src/worker/store/store.ts";
import { type ValueId, valueId } from "../../../src/worker/store/value-id.ts";

/** A directory that ends with the test. */
export function testDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "loom-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A store whose every complaint fails the test. */
export function testStore(): Store & { readonly directory: string; files(): string[] } {
  const directory = testDirectory();
  const complaints: string[] = [];
  onTestFinished(() => {
    store.values.files.closeAll();
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
  });
  const store = createStore(directory, (message) => complaints.push(message));
  return { ...store, directory, files: () => readdirSync(directory) };
}

/** A value as a test writes it: text, bytes, `[items]`, or an index over text. */
export type Shape = string | Uint8Array | readonly Shape[] | { readonly index: string[] };

/** Makes the value and owns one reference to it. Shallow shapes only: it recurses. */
export async function createValue(store: Store, shape: Shape): Promise<ValueId> {
  const { values } = store;
  if (typeof shape === "string" || shape instanceof Uint8Array) {
    const writer = createRawWriter(values);
    await writer.write(Buffer.from(shape));
    return writer.finish();
  }
  if ("index" in shape) {
    const base = await createValue(store, shape.index.join(""));
    let end = 0;
    const ends = shape.index.map((item) => {
      end += Buffer.byteLength(item);
      return end;
    });
    const offsets = await createValue(store, encodeOffsets([0, ...ends]));
    const index = values.createIndex(base, offsets);
    values.release(base);
    values.release(offsets);
    return index;
  }
  const items = [];
  for (const item of shape as readonly Shape[]) items.push(await createValue(store, item));
  const array = values.createArray(Uint32Array.from(items));
  for (const item of items) values.release(item);
  return array;
}

/** The inverse: raw data as text, an array as its items, an index as its items. */
export async function shapeOf(store: Store, value: ValueId): Promise<Shape> {
  const { values } = store;
  switch (values.dataType(value)) {
    case DATA_TYPE.array: {
      const shapes = [];
      for (const item of values.items(value).slice()) {
        shapes.push(await shapeOf(store, valueId(item)));
      }
      return shapes;
    }
    case DATA_TYPE.index: {
      const base = Buffer.from(await readValue(values, values.indexBase(value)));
      const bytes = Buffer.from(await readValue(values, values.indexOffsets(value)));
      return {
        index: Array.from({ length: values.length(value) }, (_, i) =>
          base
            .subarray(
              Number(bytes.readBigUInt64LE(8 * i)),
              Number(bytes.readBigUInt64LE(8 * i + 8)),
            )
            .toString(),
        ),
      };
    }
    default:
      return Buffer.from(await readValue(values, value)).toString();
  }
}
