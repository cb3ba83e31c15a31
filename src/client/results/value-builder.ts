import { ProtocolError, unexpected } from "../../protocol/protocol-error.ts";
import { decodeLeaf, isLeaf, TableBytes } from "./decode-leaf.ts";

/** A list whose items have not all come. */
type OpenArray = { readonly kind: "array"; readonly types: Uint32Array; readonly items: unknown[] };
/** An index whose base has not come; item *i* lies at `offsets[i] .. offsets[i + 1]`. */
type OpenIndex = { readonly kind: "index"; readonly offsets: Float64Array };

/** A table in a value, still as bytes, and what puts the table itself there. */
export type OpenTable = { readonly bytes: Buffer; readonly put: (table: unknown) => void };

/**
 * Makes a value of payload frames, which come in the order of a depth-first walk:
 *
 *     array: | type of each item | frames of item 0 | frames of item 1 | ...
 *     index: | type of the base, offsets | frames of the base
 *     other: | the bytes |
 *
 * Values may be nested to any depth, so it keeps a stack of its own.
 */
export class ValueBuilder {
  readonly #nameOf: (symbolId: number) => string | undefined;
  readonly #open: (OpenArray | OpenIndex)[] = [];
  /** Symbol of the value that the next frame begins. */
  #nextType: string;
  #missingFrames: number;
  #value: unknown;
  /** What is to be put into the value before anybody gets it. */
  readonly tables: OpenTable[] = [];
  #isComplete = false;

  constructor(
    dataType: string,
    frameCount: number,
    nameOf: (symbolId: number) => string | undefined,
  ) {
    this.#nextType = dataType;
    this.#missingFrames = frameCount;
    this.#nameOf = nameOf;
  }

  /** Takes the next whole frame and keeps it. Throws a ProtocolError, or what `decodeLeaf` throws. */
  add(frame: Buffer): void {
    if (this.#isComplete) throw unexpected("the end of a result", "another frame");
    this.#missingFrames -= 1;
    if (isLeaf(this.#nextType)) {
      this.#complete(decodeLeaf(this.#nextType, frame));
      return;
    }
    switch (this.#nextType) {
      case "loom/array":
        this.#openArray(frame);
        return;
      case "loom/index":
        this.#openIndex(frame);
        return;
      default:
        throw unexpected("a data type that this client knows", this.#nextType);
    }
  }

  /** The value, after its last frame, and after `tables` were put into it. */
  finish(): unknown {
    if (!this.#isComplete || this.#missingFrames !== 0) {
      throw unexpected("as many payload frames as the result has", "another number");
    }
    return this.#value;
  }

  #openTable(bytes: Buffer): void {
    const top = this.#open.at(-1);
    if (top?.kind === "array") {
      const { items } = top;
      const at = items.length;
      const put = (table: unknown): void => {
        items[at] = table;
      };
      this.tables.push({ bytes, put });
      return;
    }
    const put = (table: unknown): void => {
      this.#value = table;
    };
    this.tables.push({ bytes, put });
  }

  #openArray(frame: Buffer): void {
    if (frame.length % 4 !== 0) {
      throw unexpected("4 bytes for each item of an array", `${frame.length} bytes`);
    }
    const types = new Uint32Array(frame.length / 4);
    for (let i = 0; i < types.length; i++) types[i] = frame.readUInt32LE(4 * i);
    if (types.length === 0) {
      this.#complete([]);
      return;
    }
    this.#open.push({ kind: "array", types, items: [] });
    this.#nextType = this.#name(types[0] as number);
  }

  #openIndex(frame: Buffer): void {
    if (frame.length < 12 || frame.length % 8 !== 4) {
      throw unexpected("a type and the offsets of an index", `${frame.length} bytes`);
    }
    const offsets = new Float64Array((frame.length - 4) / 8);
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = frame.readUInt32LE(4 + 8 * i) + frame.readUInt32LE(8 + 8 * i) * 2 ** 32;
    }
    this.#open.push({ kind: "index", offsets });
    this.#nextType = this.#name(frame.readUInt32LE(0));
  }

  /** Puts a value where it belongs, and so does its list if that is complete with it. */
  #complete(complete: unknown): void {
    let value = complete;
    if (value instanceof TableBytes) this.#openTable(value.bytes);
    for (;;) {
      const top = this.#open.at(-1);
      if (top === undefined) {
        this.#value = value;
        this.#isComplete = true;
        return;
      }
      if (top.kind === "array") {
        top.items.push(value);
        const next = top.types[top.items.length];
        if (next !== undefined) {
          this.#nextType = this.#name(next);
          return;
        }
        value = top.items;
      } else value = cut(value, top.offsets);
      this.#open.pop();
    }
  }

  #name(symbolId: number): string {
    const name = this.#nameOf(symbolId);
    if (name === undefined) throw new ProtocolError(`no symbol has the id ${symbolId}`);
    return name;
  }
}

/** The items of an index, as views of its base. */
function cut(base: unknown, offsets: Float64Array): Buffer[] {
  if (!Buffer.isBuffer(base)) throw unexpected("an index of raw data", "an index of a list");
  const items: Buffer[] = [];
  for (let i = 0; i + 1 < offsets.length; i++) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    if (end < start || end > base.length) {
      throw unexpected("rising offsets inside of the base of an index", `${start} to ${end}`);
    }
    items.push(base.subarray(start, end));
  }
  return items;
}
