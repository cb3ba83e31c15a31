import type { Random } from "../core/base/random.ts";
import type { TaskRefs } from "../core/model/batches.ts";
import {
  LARGE_OBJECT_BYTES,
  type UploadDecision,
  Uploads,
  VAIN_REDIRECTS_MAX,
} from "../core/worker/uploads.ts";
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
  /** Has the action run at once, or when a worker that stalls goes on. */
  readonly whenAwake?: (action: () => void) => void;
};

export type PullHandlers = {
  readonly onArrived: (objects: readonly PulledObject[]) => void;
  /** These do not come: the peer does not have them, or the connection broke. */
  readonly onFailed: (refs: TaskRefs, reason: "missing" | "broken") => void;
};

/**
 * The workers' connections to each other. A worker sends and receives one byte after the other: its
 * uplink and its downlink are each a queue that all its transfers share. Large objects are few at a
 * time, and those who wait are shared out among the copies, by the brain that real workers use.
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
  /** Large objects, by the same position: whom they are asked of, and how far that is. */
  readonly large: Map<number, LargePull>;
};

/** A large object that one worker wants from another one. */
type LargePull = {
  readonly key: string;
  readonly puller: number;
  readonly mayRedirect: boolean;
  readonly hasComeBack: boolean;
  readonly vainRedirects: number;
  readonly pull: ActivePull;
  readonly position: number;
  /** The pull's own peer, or where that has sent us. */
  readonly holder: number;
  isStarted: boolean;
};
type Decision = UploadDecision<number, LargePull>;

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
  const uploads = new Map<number, Uploads<number, LargePull>>();
  const totals: PeerTotals = { transfers: 0, bytes: 0, deliveries: 0, deliveredBytes: 0 };

  /** The moment at which the bytes have left the peer, once its and the puller's line are free. */
  const occupyLines = (pull: ActivePull, holder: number, sizeBytes: number): number => {
    const startUs = Math.max(
      clock.nowUs(),
      uplinkFreeUs.get(holder) ?? 0,
      downlinkFreeUs.get(pull.puller) ?? 0,
    );
    const endUs = startUs + sizeBytes / options.bytesPerUs;
    uplinkFreeUs.set(holder, endUs);
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
    giveUpLarge(pull);
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

  /** Asks a holder for a large object, which the pull's own peer had a moment ago. */
  const askLarge = (
    pull: ActivePull,
    position: number,
    holder: number,
    vainRedirects: number,
  ): void => {
    const ref = pull.outstanding.get(position);
    if (ref === undefined || !active.has(pull)) return;
    const value = hosts.get(holder)?.findObject(ref.task, ref.attempt);
    if (value === undefined) {
      if (holder !== pull.peer) askLater(pull, position, pull.peer, vainRedirects + 1);
      else loseLarge(pull, position);
      return;
    }
    const { puller } = pull;
    const key = `${ref.task}:${ref.attempt}`;
    const large = {
      key,
      puller,
      mayRedirect: vainRedirects < VAIN_REDIRECTS_MAX,
      hasComeBack: vainRedirects > 0,
      vainRedirects,
      pull,
      position,
      holder,
      isStarted: false,
    };
    pull.large.set(position, large);
    const decision = uploads.get(holder)?.ask(large);
    if (decision !== undefined) follow(decision);
  };

  const askLater = (
    pull: ActivePull,
    position: number,
    holder: number,
    vainRedirects: number,
  ): void => {
    pull.large.delete(position);
    clock.schedule(2 * options.latencyUs, () => askLarge(pull, position, holder, vainRedirects));
  };

  const loseLarge = (pull: ActivePull, position: number): void => {
    const ref = pull.outstanding.get(position);
    pull.large.delete(position);
    pull.outstanding.delete(position);
    if (pull.outstanding.size === 0) active.delete(pull);
    if (ref !== undefined) pull.handlers.onFailed(refsOf([ref]), "missing");
  };

  const follow = (decision: Decision): void => {
    const { upload } = decision;
    const { pull, position, holder } = upload;
    if (decision.kind === "redirect") {
      askLater(pull, position, decision.to, upload.vainRedirects);
      return;
    }
    upload.isStarted = true;
    const ref = active.has(pull) ? pull.outstanding.get(position) : undefined;
    const value =
      ref === undefined ? undefined : hosts.get(holder)?.findObject(ref.task, ref.attempt);
    if (ref === undefined || value === undefined) {
      pull.large.delete(position);
      endLarge(upload, false);
      if (ref === undefined) return;
      if (holder !== pull.peer) askLater(pull, position, pull.peer, upload.vainRedirects + 1);
      else loseLarge(pull, position);
      return;
    }
    hosts.get(holder)?.onServed(ref.task, ref.attempt, pull.puller);
    const endUs = occupyLines(pull, holder, value.sizeBytes);
    count(pull, value.sizeBytes);
    const arrival = clock.schedule(endUs + options.latencyUs - clock.nowUs(), () => {
      if (pull.large.get(position) !== upload) return;
      pull.large.delete(position);
      pull.outstanding.delete(position);
      if (pull.outstanding.size === 0) active.delete(pull);
      pull.handlers.onArrived([{ ...ref, value }]);
      clock.schedule(options.latencyUs, () => endLarge(upload, true));
    });
    pull.arrivals.push(arrival);
  };

  const endLarge = (upload: LargePull, isComplete: boolean): void => {
    for (const decision of uploads.get(upload.holder)?.end(upload, isComplete) ?? []) {
      follow(decision);
    }
  };

  /** The pull is over: nobody waits for what it has not got. */
  const giveUpLarge = (pull: ActivePull): void => {
    const all = [...pull.large.values()];
    pull.large.clear();
    for (const large of all) {
      if (large.isStarted) endLarge(large, false);
      else uploads.get(large.holder)?.leave(large);
    }
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
      if (value.sizeBytes >= LARGE_OBJECT_BYTES && pull.puller !== SERVER_PULLER) {
        askLarge(pull, position, pull.peer, 0);
        continue;
      }
      host.onServed(task, attempt, pull.puller);
      endUs = occupyLines(pull, pull.peer, value.sizeBytes);
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
      uploads.set(workerId, new Uploads());
    },
    leave: (workerId) => {
      hosts.delete(workerId);
      uploads.delete(workerId);
      for (const pull of [...active]) {
        if (pull.puller === workerId) {
          active.delete(pull);
          for (const arrival of pull.arrivals) clock.cancel(arrival);
          giveUpLarge(pull);
        } else if (pull.peer === workerId) fail(pull);
        else {
          for (const large of [...pull.large.values()]) {
            const { holder, position, vainRedirects } = large;
            if (holder === workerId) askLater(pull, position, pull.peer, vainRedirects + 1);
          }
        }
      }
    },
    pull: (puller, peer, refs, handlers) => {
      const outstanding = new Map<number, { readonly task: number; readonly attempt: number }>();
      for (const [position, task] of refs.tasks.entries()) {
        outstanding.set(position, { task, attempt: refs.attempts[position] ?? 0 });
      }
      const pull: ActivePull = {
        puller,
        peer,
        handlers,
        outstanding,
        arrivals: [],
        large: new Map(),
      };
      active.add(pull);
      clock.schedule(options.latencyUs, () => {
        const answer = (): void => {
          if (active.has(pull)) serve(pull);
        };
        const whenAwake = hosts.get(peer)?.whenAwake;
        if (whenAwake === undefined) answer();
        else whenAwake(answer);
      });
    },
  };
}
