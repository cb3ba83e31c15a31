// Workers that do nothing: `stub-workers.js HOST PORT CONNECTIONS` registers so many workers, each on
// a connection of its own, and reports every task as finished as soon as it is assigned. What a
// cluster then takes is the server's, the client's, and the sockets'.
import { connect } from "node:net";
import type { TaskRefs } from "../../src/core/model/batches.ts";
import { BUILTIN_SYMBOLS, TASK_TYPE } from "../../src/core/model/symbols.ts";
import { encodeRegister } from "../../src/protocol/client/register.ts";
import { MAX_TO_WORKER_BODY_BYTES } from "../../src/protocol/limits.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";
import { decodeToWorker, encodeFromWorker } from "../../src/protocol/worker/codec.ts";
import { FrameReader } from "../../src/protocol/worker/frame-reader.ts";
import {
  type FromWorker,
  type ToWorker,
  WORKER_PROTOCOL_VERSION,
} from "../../src/protocol/worker/messages.ts";
import { finishAtOnce } from "./answer.ts";

const NOTHING: TaskRefs = { tasks: new Uint32Array(), attempts: new Uint32Array() };

function answer(message: ToWorker): FromWorker | undefined {
  if (message.kind === "assign") {
    return { kind: "tasks-finished", finished: finishAtOnce(message.batch) };
  }
  // Everything was finished before it could be asked back.
  if (message.kind === "retract") return { kind: "tasks-returned", refs: NOTHING };
  if (message.kind === "heartbeat") return message;
  return undefined;
}

function startStub(host: string, port: number, number: number): void {
  const socket = connect({ host, port, noDelay: true });
  const writer = new ByteWriter();
  encodeRegister(writer, {
    type: "worker",
    // Nobody pulls: no task of the measured plans is fetched.
    port: 1 + (number % 65_535),
    taskTypes: Object.values(TASK_TYPE).map((id) => BUILTIN_SYMBOLS[id] as string),
    dataTypes: [],
    cpus: 1,
    workerProtocolVersion: WORKER_PROTOCOL_VERSION,
    capabilities: [],
    resources: [],
    workerName: `stub ${number}`,
  });
  socket.write(writer.take());
  const reader = new FrameReader(MAX_TO_WORKER_BODY_BYTES);
  socket.on("data", (chunk) => {
    socket.cork();
    for (const { kind, body } of reader.feed(chunk)) {
      const reply = answer(decodeToWorker(kind, body));
      if (reply !== undefined) socket.write(encodeFromWorker(reply));
    }
    socket.uncork();
  });
  socket.on("close", () => process.exit());
}

const [host = "", port = "", connections = ""] = process.argv.slice(2);
for (let i = 0; i < Number(connections); i++) startStub(host, Number(port), i);
process.stdin.on("end", () => process.exit()).resume();
