import type { Random } from "../core/base/random.ts";
import type { TaskRefs } from "../core/model/batches.ts";
import type { Scheduled, VirtualClock } from "./clock.ts";
import type { SimulatedValue } from "./values.ts";

/** The puller that is no worker: the server, which passes results on to clients. */
export const SERVER_PULLER = -1;

export type PeerNetworkOptions = {
  readonly latencyUs: number;
  /** Of each worker, in each direction. */
  readonly bytesPerUs: number;
  /** Probability that a pull breaks off before it has brought anything. */
  readonly breakProbability: number;
};

/** An object on its way or arrived. */
export type PulledObject = {
  readonly task: number;
  readonly attempt: number;
  readonly value: SimulatedValue;
};

/** A worker as its peers see it. */
export type PeerHost = {
  /** Undefined where the worker does not hold the object. */
  readonly findObject: (task: number, attempt: number) => SimulatedValue | undefined;
  readonly onServed: (task: number, attempt: number, puller: number) => void;
};

export type PullHandlers = {
  readonly onArrived: (objects: readonly PulledObject[]) => void;
  /** These do not come: the peer does not have them, or the connection broke. */
  readonly onFailed: (refs: TaskRefs, reason: "missing" | "broken") => void;
};

/**
 * The workers' connections to each other. A worker sends and receives one byte after the other: its
 * uplink and its downlink are each a queue that all its transfers share.
 *
 *     pull  --latency-->  holder looks for the object  --uplink, downlink, latency-->  arrived
 */
export type PeerNetwork = {
  join(workerId: number, host: PeerHost): void;
  /** Pulls from the worker, and pulls by it, break off. */
  leave(workerId: number): void;
  pull(puller: number, peer: number, refs: TaskRefs, handlers: PullHandlers): void;
  readonly totals: PeerTotals;
};

/** Data moved so far: between workers, and from workers to clients by way of the server. */
export type PeerTotals = {
  transfers: number;
  bytes: number;
  deliveries: number;
  deliveredBytes: number;
};

/** Small objects of one pull arrive together, up to this size. */
const ARRIVAL_BYTES = 65_536;

type ActivePull = {
  readonly puller: number;
  readonly peer: number;
  readonly handlers: PullHandlers;
  /** What has not arrived, by its position in the request. */
  readonly outstanding: Map<number, { readonly task: number; readonly attempt: number }>;
  readonly arrivals: Scheduled[];
};

const refsOf = (
  objects: Iterable<{ readonly task: number; readonly attempt: number }>,
): TaskRefs => {
  const list = [...objects];
  return {
    tasks: Uint32Array.from(list, (object) => object.task),
    attempts: Uint32Array.from(list, (object) => object.attempt),
  };
};

export function createPeerNetwork(
  clock: VirtualClock,
  random: Random,
  options: PeerNetworkOptions,
): PeerNetwork {
  const hosts = new Map<number, PeerHost>();
  const uplinkFreeUs = new Map<number, number>();
  const downlinkFreeUs = new Map<number, number>();
  const active = new Set<ActivePull>();
  const totals: PeerTotals = { transfers: 0, bytes: 0, deliveries: 0, deliveredBytes: 0 };

  /** The moment at which the bytes have left the peer, once its and the puller's line are free. */
  const occupyLines = (pull: ActivePull, sizeBytes: number): number => {
    const startUs = Math.max(
      clock.nowUs(),
      uplinkFreeUs.get(pull.peer) ?? 0,
      downlinkFreeUs.get(pull.puller) ?? 0,
    );
    const endUs = startUs + sizeBytes / options.bytesPerUs;
    uplinkFreeUs.set(pull.peer, endUs);
    downlinkFreeUs.set(pull.puller, endUs);
    return endUs;
  };

  const count = (pull: ActivePull, sizeBytes: number): void => {
    if (pull.puller === SERVER_PULLER) {
      totals.deliveries += 1;
      totals.deliveredBytes += sizeBytes;
    } else {
      totals.transfers += 1;
      totals.bytes += sizeBytes;
    }
  };

  const fail = (pull: ActivePull): void => {
    if (!active.delete(pull)) return;
    for (const arrival of pull.arrivals) clock.cancel(arrival);
    const refs = refsOf(pull.outstanding.values());
    if (refs.tasks.length === 0) return;
    clock.schedule(options.latencyUs, () => {
      if (pull.puller === SERVER_PULLER || hosts.has(pull.puller))
        pull.handlers.onFailed(refs, "broken");
    });
  };

  const arriveLater = (pull: ActivePull, endUs: number, group: Map<number, PulledObject>): void => {
    const arrival = clock.schedule(endUs + options.latencyUs - clock.nowUs(), () => {
      for (const position of group.keys()) pull.outstanding.delete(position);
      if (pull.outstanding.size === 0) active.delete(pull);
      pull.handlers.onArrived([...group.values()]);
    });
    pull.arrivals.push(arrival);
  };

  const serve = (pull: ActivePull): void => {
    const host = hosts.get(pull.peer);
    if (host === undefined || random.unit() < options.breakProbability) {
      fail(pull);
      return;
    }
    const missing: { readonly task: number; readonly attempt: number }[] = [];
    let group = new Map<number, PulledObject>();
    let groupBytes = 0;
    let endUs = clock.nowUs();
    for (const [position, { task, attempt }] of [...pull.outstanding]) {
      const value = host.findObject(task, attempt);
      if (value === undefined) {
        missing.push({ task, attempt });
        pull.outstanding.delete(position);
        continue;
      }
      host.onServed(task, attempt, pull.puller);
      endUs = occupyLines(pull, value.sizeBytes);
      count(pull, value.sizeBytes);
      group.set(position, { task, attempt, value });
      groupBytes += value.sizeBytes;
      if (groupBytes < ARRIVAL_BYTES) continue;
      arriveLater(pull, endUs, group);
      group = new Map();
      groupBytes = 0;
    }
    if (group.size > 0) arriveLater(pull, endUs, group);
    if (pull.outstanding.size === 0) active.delete(pull);
    if (missing.length === 0) return;
    clock.schedule(options.latencyUs, () => {
      if (pull.puller === SERVER_PULLER || hosts.has(pull.puller)) {
        pull.handlers.onFailed(refsOf(missing), "missing");
      }
    });
  };

  return {
    totals,
    join: (workerId, host) => {
      hosts.set(workerId, host);
    },
    leave: (workerId) => {
      hosts.delete(workerId);
      for (const pull of [...active]) {
        if (pull.puller === workerId) {
          active.delete(pull);
          for (const arrival of pull.arrivals) clock.cancel(arrival);
        } else if (pull.peer === workerId) fail(pull);
      }
    },
    pull: (puller, peer, refs, handlers) => {
      const outstanding = new Map<number, { readonly task: number; readonly attempt: number }>();
      for (const [position, task] of refs.tasks.entries()) {
        outstanding.set(position, { task, attempt: refs.attempts[position] ?? 0 });
      }
      const pull: ActivePull = { puller, peer, handlers, outstanding, arrivals: [] };
      active.add(pull);
      clock.schedule(options.latencyUs, () => {
        if (active.has(pull)) serve(pull);
      });
    },
  };
}
