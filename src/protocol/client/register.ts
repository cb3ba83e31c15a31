import type { NamedVersion } from "../../core/model/versions.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putBytesField,
  putInt32Field,
  putInt64Field,
  putStringField,
} from "../wire/protobuf-fields.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { CLIENT_PROTOCOL_VERSION, REGISTER_TYPE } from "./message-types.ts";

/** An amount, a whole number >= 0, of a resource by its symbol's name. */
export type NamedAmount = { readonly name: string; readonly amount: number };

/** The first message of every connection, of clients and workers alike. */
export type Register = {
  readonly type: "worker" | "client";
  /** Worker: where peers pull data from it. */
  readonly port?: number | undefined;
  /** Worker: symbols of the task types that it can run. */
  readonly taskTypes: readonly string[];
  readonly dataTypes: readonly string[];
  readonly cpus?: number | undefined;
  readonly clientName?: string | undefined;
  /** Worker: version of the binary protocol that follows the registration. */
  readonly workerProtocolVersion?: number | undefined;
  /** What a client can take beyond the original protocol: "notices", "carried-results", "sessions" and so on; others are legal. */
  readonly capabilities: readonly string[];
  /** Worker: all that it offers. */
  readonly resources: readonly NamedAmount[];
  readonly advertisedHost?: string | undefined;
  readonly workerName?: string | undefined;
  /** Client: what must fit for its Python functions to run elsewhere; older clients tell none. */
  readonly versions?: readonly NamedVersion[] | undefined;
  /** Proof of a key, on a connection without TLS. */
  readonly token?: Uint8Array | undefined;
  /** What it asks to be, where that is less than its type: "viewer". */
  readonly role?: string | undefined;
  /** Client: comes back to the session that a server gave it, with its secret. */
  readonly session?: string | undefined;
  readonly sessionSecret?: Uint8Array | undefined;
  /** Worker: it was welcomed before, and comes back with what it holds. */
  readonly reattach?: WorkerReattachment | undefined;
};

/** What a worker that comes back says of its last welcome. */
export type WorkerReattachment = { readonly clusterId: string; readonly workerId: number };

/** Appends a frame. */
export function encodeRegister(writer: ByteWriter, register: Register): void {
  const frame = beginFrame(writer);
  putInt32Field(writer, 0x08, CLIENT_PROTOCOL_VERSION);
  putInt32Field(writer, 0x10, REGISTER_TYPE[register.type]);
  putInt32Field(writer, 0x18, register.port);
  for (const name of register.taskTypes) putStringField(writer, 0x22, name);
  for (const name of register.dataTypes) putStringField(writer, 0x2a, name);
  putInt32Field(writer, 0x30, register.cpus);
  putStringField(writer, 0x192, register.clientName);
  putInt32Field(writer, 0x198, register.workerProtocolVersion);
  for (const name of register.capabilities) putStringField(writer, 0x1a2, name);
  for (const { name, amount } of register.resources) {
    const message = beginMessage(writer, 0x1aa);
    putStringField(writer, 0x0a, name);
    putInt64Field(writer, 0x10, amount);
    endMessage(writer, message);
  }
  putStringField(writer, 0x1b2, register.advertisedHost);
  putStringField(writer, 0x1ba, register.workerName);
  for (const { name, version } of register.versions ?? []) {
    const message = beginMessage(writer, 0x1c2);
    putStringField(writer, 0x0a, name);
    putStringField(writer, 0x12, version);
    endMessage(writer, message);
  }
  putStringField(writer, 0x1da, register.session);
  putBytesField(writer, 0x1e2, register.sessionSecret);
  if (register.reattach !== undefined) {
    const message = beginMessage(writer, 0x1ea);
    putStringField(writer, 0x0a, register.reattach.clusterId);
    putInt64Field(writer, 0x10, register.reattach.workerId);
    endMessage(writer, message);
  }
  if (register.token !== undefined) putBytesField(writer, 0x1ca, register.token);
  putStringField(writer, 0x1d2, register.role);
  endFrame(writer, frame);
}

/** Decodes a frame's body. Another version than ours is a ProtocolError that names both. */
export function decodeRegister(frame: Uint8Array): Register {
  let version: number | undefined;
  let type: number | undefined;
  let port: number | undefined;
  let cpus: number | undefined;
  let clientName: string | undefined;
  let workerProtocolVersion: number | undefined;
  let advertisedHost: string | undefined;
  let workerName: string | undefined;
  let token: Uint8Array | undefined;
  let role: string | undefined;
  let session: string | undefined;
  let sessionSecret: Uint8Array | undefined;
  let reattach: WorkerReattachment | undefined;
  const taskTypes: string[] = [];
  const dataTypes: string[] = [];
  const capabilities: string[] = [];
  const resources: NamedAmount[] = [];
  const versions: NamedVersion[] = [];
  const reader = new ByteReader(frame);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) version = reader.int32();
    else if (tag === 0x10) type = reader.int32();
    else if (tag === 0x18) port = reader.int32();
    else if (tag === 0x22) taskTypes.push(reader.string());
    else if (tag === 0x2a) dataTypes.push(reader.string());
    else if (tag === 0x30) cpus = reader.int32();
    else if (tag === 0x192) clientName = reader.string();
    else if (tag === 0x198) workerProtocolVersion = reader.int32();
    else if (tag === 0x1a2) capabilities.push(reader.string());
    else if (tag === 0x1aa) resources.push(decodeNamedAmount(reader));
    else if (tag === 0x1b2) advertisedHost = reader.string();
    else if (tag === 0x1ba) workerName = reader.string();
    else if (tag === 0x1c2) versions.push(decodeNamedVersion(reader));
    else if (tag === 0x1da) session = reader.string();
    else if (tag === 0x1e2) sessionSecret = reader.lengthPrefixed().slice();
    else if (tag === 0x1ea) reattach = decodeReattachment(reader);
    else if (tag === 0x1ca) token = reader.lengthPrefixed().slice();
    else if (tag === 0x1d2) role = reader.string();
    else reader.skip(tag);
  }
  checkVersion(version);
  return {
    type: registerType(type),
    port,
    taskTypes,
    dataTypes,
    cpus,
    clientName,
    workerProtocolVersion,
    capabilities,
    resources,
    advertisedHost,
    workerName,
    versions,
    token,
    role,
    session,
    sessionSecret,
    ...(reattach !== undefined && { reattach }),
  };
}

function checkVersion(version: number | undefined): void {
  if (version === CLIENT_PROTOCOL_VERSION) return;
  const found = version === undefined ? "a registration without one" : `version ${version}`;
  throw unexpected(`version ${CLIENT_PROTOCOL_VERSION} of the client protocol`, found);
}

function registerType(type: number | undefined): Register["type"] {
  if (type === REGISTER_TYPE.client) return "client";
  if (type === REGISTER_TYPE.worker) return "worker";
  throw unexpected("a registration of type 1 (worker) or 2 (client)", `type ${type ?? "missing"}`);
}

function decodeNamedAmount(reader: ByteReader): NamedAmount {
  let name: string | undefined;
  let amount = 0;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x10) amount = reader.int64();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (name === undefined) throw new ProtocolError("a resource of the registration has no name");
  if (amount < 0) throw unexpected(`an amount >= 0 of ${name}`, String(amount));
  return { name, amount };
}

function decodeNamedVersion(reader: ByteReader): NamedVersion {
  let name = "";
  let version = "";
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) version = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return { name, version };
}

function decodeReattachment(reader: ByteReader): WorkerReattachment {
  let clusterId = "";
  let workerId = 0;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) clusterId = reader.string();
    else if (tag === 0x10) workerId = reader.int64();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  if (workerId < 1 || workerId > 0xffff_fffe) throw unexpected("a worker's number", `${workerId}`);
  return { clusterId, workerId };
}
