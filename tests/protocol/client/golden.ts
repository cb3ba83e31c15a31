import { readFileSync } from "node:fs";
import { PAYLOAD_FRAME } from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";

type FieldName =
  | "advertised_host"
  | "args"
  | "attached"
  | "attempts"
  | "capabilities"
  | "cause_id"
  | "kind"
  | "plan_goes_on"
  | "story"
  | "checkpoint_path"
  | "client_name"
  | "config"
  | "cpus"
  | "data"
  | "data_types"
  | "env"
  | "error"
  | "error_msg"
  | "exit_code"
  | "finished"
  | "frame_counts"
  | "frames"
  | "grace_ms"
  | "has_more"
  | "held"
  | "id"
  | "id_base"
  | "ids"
  | "input_ids"
  | "json"
  | "label"
  | "labels"
  | "load_checkpoints"
  | "map_inputs"
  | "map_outputs"
  | "message"
  | "metadata"
  | "n_data_objects"
  | "n_messages"
  | "n_workers"
  | "name"
  | "named"
  | "nonce"
  | "open_plan"
  | "open_plan_tasks"
  | "paths"
  | "plan"
  | "plan_bases"
  | "plan_counts"
  | "positions"
  | "port"
  | "resource_request_index"
  | "resource_requests"
  | "resources"
  | "result"
  | "roots"
  | "run_counts"
  | "run_starts"
  | "run_states"
  | "session"
  | "session_secret"
  | "signal"
  | "sizes"
  | "stats"
  | "stderr"
  | "symbols"
  | "task_count"
  | "task_type"
  | "task_types"
  | "tasks"
  | "time_limit_ms"
  | "trace_path"
  | "type"
  | "type_id"
  | "type_ids"
  | "unknown_plans"
  | "value"
  | "versions"
  | "worker"
  | "worker_name"
  | "worker_protocol_version";

/** The fields of a message that are set, by the names in scripts/golden/client-protocol.proto. */
export type Values = { readonly [Field in FieldName]?: unknown };

/** One file that Google's protobuf runtime wrote; see `about` in tests/golden/client/index.json. */
export type GoldenFile = {
  readonly file: string;
  readonly about: string;
  readonly message: "Register" | "ClientRequest" | "ClientResponse" | "Run";
  readonly framed: boolean;
  readonly frames: number;
  readonly canonical: boolean;
  readonly refused?: string;
  readonly values: readonly Values[];
};

const directory = new URL("../../golden/client/", import.meta.url);

const index = JSON.parse(readFileSync(new URL("index.json", directory), "utf8")) as {
  readonly symbols: readonly string[];
  readonly files: readonly GoldenFile[];
};

export const goldenSymbols: readonly string[] = index.symbols;

/** All files, or those of one message. */
export function goldenFiles(message?: GoldenFile["message"]): readonly GoldenFile[] {
  return index.files.filter((entry) => message === undefined || entry.message === message);
}

export function readGolden({ file }: GoldenFile): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, directory)));
}

/** The bodies of a file's frames. */
export function goldenBodies(entry: GoldenFile): Uint8Array[] {
  return entry.framed ? splitAll(readGolden(entry)) : [readGolden(entry)];
}

/** Splits whole frames of any length. */
export function splitAll(bytes: Uint8Array): Uint8Array[] {
  const splitter = new FrameSplitter(PAYLOAD_FRAME);
  splitter.push(bytes);
  const bodies: Uint8Array[] = [];
  for (let body = splitter.next(); body !== undefined; body = splitter.next()) bodies.push(body);
  if (splitter.takeRest().length > 0) throw new Error("bytes are left after the last frame");
  return bodies;
}

/** Bytes as the index writes them. */
export function bytesOf(value: unknown): Uint8Array {
  const { hex, times = 1 } = value as { hex: string; times?: number };
  return new Uint8Array(Buffer.from(hex.repeat(times), "hex"));
}

/** A field that may repeat, as a list. */
export function listOf<Item>(value: unknown): readonly Item[] {
  return (value ?? []) as readonly Item[];
}
