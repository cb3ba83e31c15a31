import type { Random } from "../../src/core/base/random.ts";

/** Numbers at which lengths, counts and signs turn over. */
const LENGTHS = [0, 1, 2, 3, 7, 8, 127, 128, 255, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const BYTES = [0, 1, 0x08, 0x0a, 0x12, 0x7f, 0x80, 0xff];
/** Varints of ten bytes and more, and of one bit too many. */
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x80, 0x00],
];

const oneOf = <Item>(random: Random, items: readonly Item[]): Item =>
  items[random.below(items.length)] as Item;

const splice = (bytes: Uint8Array, at: number, removed: number, added: ArrayLike<number>) => {
  const changed = new Uint8Array(at + added.length + Math.max(0, bytes.length - at - removed));
  changed.set(bytes.subarray(0, at));
  changed.set(added, at);
  changed.set(bytes.subarray(Math.min(bytes.length, at + removed)), at + added.length);
  return changed;
};

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const u32At: Mutation = (bytes, random) => {
  // Columns and lengths of ours are little endian and often lie at multiples of four.
  const at = random.below(Math.max(1, bytes.length >> 2)) * 4 + (random.unit() < 0.2 ? 1 : 0);
  const value = random.unit() < 0.5 ? oneOf(random, LENGTHS) : bytes.length + random.below(9) - 4;
  const word = Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
  return splice(bytes, Math.min(at, bytes.length), 4, word);
};

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) =>
    splice(bytes, random.below(bytes.length + 1), 1, [
      random.unit() < 0.5 ? oneOf(random, BYTES) : random.below(256),
    ]),
  (bytes, random) => splice(bytes, random.below(bytes.length + 1), 0, [oneOf(random, BYTES)]),
  (bytes, random) => splice(bytes, random.below(bytes.length + 1), 1 + random.below(4), []),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  u32At,
  u32At,
  (bytes, random) => {
    // One bit.
    const at = random.below(Math.max(1, bytes.length));
    return splice(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << random.below(8))]);
  },
  (bytes, random) => splice(bytes, random.below(bytes.length + 1), 1, oneOf(random, VARINTS)),
  (bytes, random) => {
    // A piece once more, somewhere else.
    const from = random.below(bytes.length + 1);
    const piece = bytes.subarray(from, from + 1 + random.below(24));
    return splice(bytes, random.below(bytes.length + 1), 0, piece);
  },
  (bytes, random, others) => {
    // The beginning of one message and the end of another one.
    const other = oneOf(random, others);
    const tail = other.subarray(random.below(other.length + 1));
    return splice(bytes.subarray(0, random.below(bytes.length + 1)), bytes.length, 0, tail);
  },
  fieldwise,
  fieldwise,
  fieldwise,
];

/** One to three mutations of a sample; those that know fields keep the lengths around them right. */
export function mutate(sample: Uint8Array, random: Random, others: readonly Uint8Array[]) {
  let bytes = sample;
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i += 1) bytes = oneOf(random, MUTATIONS)(bytes, random, others);
  return bytes;
}

type Field = { readonly tag: readonly number[]; readonly wire: number; readonly body: Uint8Array };

/**
 * Takes the bytes for fields of protocol buffers, and leaves one out, doubles it, moves it, gives it
 * another number or, if it may be a message itself, does that inside of it. What is no message comes
 * back as it was.
 */
function fieldwise(bytes: Uint8Array, random: Random): Uint8Array {
  const fields = splitFields(bytes);
  if (fields === undefined || fields.length === 0) return bytes;
  const at = random.below(fields.length);
  const field = fields[at] as Field;
  switch (random.below(6)) {
    case 0:
      fields.splice(at, 1);
      break;
    case 1:
      fields.push(field);
      break;
    case 2:
      fields.splice(at, 1);
      fields.splice(random.below(fields.length + 1), 0, field);
      break;
    case 3:
      fields[at] = { ...field, tag: [((1 + random.below(15)) << 3) | field.wire] };
      break;
    default:
      if (field.wire !== 2) {
        fields[at] = { ...field, body: Uint8Array.from(oneOf(random, VARINTS)) };
      } else {
        const isMessage = random.unit() < 0.7;
        const body = isMessage ? fieldwise(field.body, random) : u32At(field.body, random, []);
        fields[at] = { ...field, body };
      }
  }
  const parts = fields.flatMap(({ tag, wire, body }) =>
    wire === 2 ? [...tag, ...varint(body.length), ...body] : [...tag, ...body],
  );
  return Uint8Array.from(parts);
}

/** Undefined where the bytes are no fields. */
function splitFields(bytes: Uint8Array): Field[] | undefined {
  // A message of a megabyte would be split again and again.
  if (bytes.length > 4096) return undefined;
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at];
      at += 1;
      if (byte === undefined) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < bytes.length) {
    const start = at;
    const tag = readVarint();
    if (tag < 8) return undefined;
    const tagBytes = [...bytes.subarray(start, at)];
    const wire = tag % 8;
    let from = at;
    if (wire === 0) readVarint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = readVarint();
      if (length < 0) return undefined;
      from = at;
      at += length;
    } else return undefined;
    if (at > bytes.length) return undefined;
    fields.push({ tag: tagBytes, wire, body: bytes.subarray(from, at) });
  }
  return fields;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** The same for JSON: nodes go, are doubled, or become something of another kind. */
export function mutateJson(text: string, random: Random): string {
  const root: unknown = JSON.parse(text);
  const places: { readonly in: Record<string, unknown>; readonly key: string }[] = [];
  const stack: unknown[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== "object" || node === null) continue;
    for (const [key, child] of Object.entries(node)) {
      places.push({ in: node as Record<string, unknown>, key });
      stack.push(child);
    }
  }
  for (let i = 0; i <= random.below(3) && places.length > 0; i += 1) {
    const place = oneOf(random, places);
    const other = oneOf(random, places);
    const kind = random.below(4);
    if (kind === 0 && !Array.isArray(place.in)) delete place.in[place.key];
    else if (kind === 1) place.in[place.key] = structuredClone(other.in[other.key]);
    else place.in[place.key] = oneOf(random, JSON_VALUES);
  }
  return JSON.stringify(root);
}

const JSON_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1e308,
  2 ** 53,
  0.5,
  "",
  "x",
  "__proto__",
  [],
  {},
  [[]],
  [null],
  { id: "x" },
];
