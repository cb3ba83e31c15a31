import { MAX_RUN_ITEMS } from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import { beginMessage, endMessage, putBytesField, putInt64Field } from "../wire/protobuf-fields.ts";

/** A variable of a program's environment. */
export type EnvVar = { readonly name: Uint8Array; readonly value: Uint8Array };

/** The config of a `loom/run/run` task. Everything stays bytes: a program's arguments need not be UTF-8. */
export type RunConfig = {
  readonly args: readonly Uint8Array[];
  /** Entry *i* belongs to input *i*. */
  readonly mapInputs: readonly Uint8Array[];
  readonly mapOutputs: readonly Uint8Array[];
  readonly env: readonly EnvVar[];
  /** Undefined: none. */
  readonly timeLimitMs: number | undefined;
  /** Directories that come before PATH and LD_LIBRARY_PATH. */
  readonly paths: readonly Uint8Array[];
};

/** The bytes of a task's config. */
export function encodeRunConfig(config: RunConfig): Uint8Array {
  const writer = new ByteWriter();
  for (const arg of config.args) putBytesField(writer, 0x0a, arg);
  for (const name of config.mapInputs) putBytesField(writer, 0x12, name);
  for (const name of config.mapOutputs) putBytesField(writer, 0x1a, name);
  for (const { name, value } of config.env) {
    const message = beginMessage(writer, 0x192);
    putBytesField(writer, 0x0a, name);
    putBytesField(writer, 0x12, value);
    endMessage(writer, message);
  }
  putInt64Field(writer, 0x198, config.timeLimitMs);
  for (const path of config.paths) putBytesField(writer, 0x1a2, path);
  return writer.take(0);
}

/** Decodes a task's config, as views of it. Throws a ProtocolError, which fails the task alone. */
export function decodeRunConfig(bytes: Uint8Array): RunConfig {
  const args: Uint8Array[] = [];
  const mapInputs: Uint8Array[] = [];
  const mapOutputs: Uint8Array[] = [];
  const env: EnvVar[] = [];
  const paths: Uint8Array[] = [];
  let timeLimitMs: number | undefined;
  const reader = new ByteReader(bytes);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) addItem(args, reader.lengthPrefixed());
    else if (tag === 0x12) addItem(mapInputs, reader.lengthPrefixed());
    else if (tag === 0x1a) addItem(mapOutputs, reader.lengthPrefixed());
    else if (tag === 0x192) addItem(env, decodeEnvVar(reader));
    else if (tag === 0x198) timeLimitMs = reader.int64();
    else if (tag === 0x1a2) addItem(paths, reader.lengthPrefixed());
    else reader.skip(tag);
  }
  if (timeLimitMs !== undefined && timeLimitMs < 0) {
    throw unexpected("a time limit >= 0 ms", String(timeLimitMs));
  }
  return { args, mapInputs, mapOutputs, env, timeLimitMs, paths };
}

function addItem<Item>(items: Item[], item: Item): void {
  if (items.length === MAX_RUN_ITEMS) {
    throw unexpected(`at most ${MAX_RUN_ITEMS} items in a list of a program's config`, "more");
  }
  items.push(item);
}

function decodeEnvVar(reader: ByteReader): EnvVar {
  let name = new Uint8Array(0) as Uint8Array;
  let value = name;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.lengthPrefixed();
    else if (tag === 0x12) value = reader.lengthPrefixed();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (name.length === 0) throw unexpected("the name of an environment variable", "none");
  return { name, value };
}
