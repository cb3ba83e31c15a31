import { createRandom, type Random } from "../../../src/core/base/random.ts";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { encodeSmallRequest } from "../../../src/protocol/client/client-request.ts";
import { PlanEncoder } from "../../../src/protocol/client/plan-encoder.ts";
import { encodeFromPuller } from "../../../src/protocol/peer/codec.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { encodeFromWorker } from "../../../src/protocol/worker/codec.ts";

/** Broken messages of one protocol, made from good ones: the same for the same seed. */
export type HostileMessages = { next(): Uint8Array };

/** Requests of a client: sound frames with nonsense in them, and broken ones. */
export function hostileRequests(seed: number): HostileMessages {
  const random = createRandom(seed);
  return {
    next() {
      const frame = random.unit() < 0.5 ? somePlan(random) : someRequest(random);
      // The length stays right in most, so that the message comes to its decoder.
      return mutate(random, frame, 8);
    },
  };
}

/** Reports of a worker about tasks that it never had, and broken ones. */
export function hostileReports(seed: number): HostileMessages {
  const random = createRandom(seed);
  return { next: () => mutate(random, someReport(random), 8) };
}

/** Requests of a peer for objects that are not there, and broken ones. */
export function hostilePulls(seed: number, serverId: string): HostileMessages {
  const random = createRandom(seed);
  const id = (): number => random.below(2 ** 32);
  return {
    next() {
      const kind = random.below(3);
      const frame =
        kind === 0
          ? encodeFromPuller({
              kind: "hello",
              serverId,
              version: random.below(3),
              workerId: id(),
              port: random.below(65_536),
              proof: new Uint8Array(random.below(40)),
            })
          : kind === 1
            ? encodeFromPuller({ kind: "cancel", requestId: id() })
            : encodeFromPuller({
                kind: "pull",
                requests: {
                  requestIds: Uint32Array.of(id(), id()),
                  tasks: Uint32Array.of(id(), random.below(50)),
                  attempts: Uint32Array.of(id(), random.below(3)),
                  formats: Uint8Array.of(random.below(3), random.below(3)),
                  mayRedirect: Uint8Array.of(random.below(4), random.below(4)),
                  fromBytes: Float64Array.of(0, 0),
                },
              });
      return mutate(random, frame, 8);
    },
  };
}

function somePlan(random: Random): Uint8Array {
  const encoder = new PlanEncoder();
  const types = Object.values(TASK_TYPE);
  const count = 1 + random.below(5);
  for (let i = 0; i < count; i += 1) {
    const type = random.unit() < 0.9 ? (types[random.below(types.length)] ?? 0) : random.below(300);
    const config = Uint8Array.from({ length: random.below(40) }, () => random.below(256));
    const inputs = Array.from({ length: random.below(3) }, () => random.below(8) - 2);
    encoder.addTask(type, config, inputs, -1, random.unit() < 0.5, "hostile: task");
  }
  return encoder.finish(random.below(1_000_000), random.unit() < 0.2);
}

function someRequest(random: Random): Uint8Array {
  const writer = new ByteWriter();
  const id = random.below(2 ** 31) * (random.unit() < 0.5 ? 1 : -1);
  const kind = random.below(4);
  if (kind === 0) encodeSmallRequest(writer, { kind: "fetch", id });
  else if (kind === 1) encodeSmallRequest(writer, { kind: "release", id });
  else if (kind === 2) encodeSmallRequest(writer, { kind: "stats" });
  else encodeSmallRequest(writer, { kind: "trace", path: "/dev/null/no/such/directory" });
  return writer.take();
}

function someReport(random: Random): Uint8Array {
  const count = random.below(4);
  const column = (): Uint32Array =>
    Uint32Array.from({ length: count }, () => random.below(2 ** 32));
  const refs = { tasks: column(), attempts: column() };
  switch (random.below(6)) {
    case 0:
      return encodeFromWorker({ kind: "tasks-started", refs });
    case 1:
      return encodeFromWorker({ kind: "replicas-added", refs });
    case 2:
      return encodeFromWorker({
        kind: "task-failed",
        task: random.below(2 ** 32),
        attempt: random.below(4),
        failure: { message: "hostile" },
      });
    case 3:
      return encodeFromWorker({
        kind: "inputs-unreachable",
        unreachable: { refs, inputs: refs, holders: column() },
      });
    case 4:
      return encodeFromWorker({ kind: "heartbeat", sequence: random.below(2 ** 32) });
    default:
      return encodeFromWorker({
        kind: "tasks-finished",
        finished: {
          ...refs,
          sizesBytes: new Float64Array(count).fill(random.unit() * 1e12),
          lengths: new Float64Array(count),
          dataTypes: new Uint16Array(count).fill(16),
          durationsUs: new Float32Array(count),
        },
      });
  }
}

/** Often sound; else some bytes are changed, mostly behind the header of `headerBytes`. */
function mutate(random: Random, sound: Uint8Array, headerBytes: number): Uint8Array {
  const bytes = sound.slice();
  if (random.unit() < 0.4) return bytes;
  const changes = 1 + random.below(4);
  const from = random.unit() < 0.9 ? headerBytes : 0;
  for (let i = 0; i < changes && bytes.length > from; i += 1) {
    bytes[from + random.below(bytes.length - from)] = random.below(256);
  }
  return bytes;
}
