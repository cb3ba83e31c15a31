import type { Scheduled, VirtualClock } from "../clock.ts";

/** What a pull brings: an object's name, its size, and what to do once it is there. */
export type FlowRequest = {
  readonly sizeBytes: number;
  readonly onArrived: () => void;
};

/** Data moved so far. */
export type FlowTotals = {
  transfers: number;
  bytes: number;
  /** The most streams that one worker sent at the same time. */
  streamsMax: number;
};

/**
 * The data links of a cluster as fluid: each worker has an uplink and a downlink, and all streams
 * share them by max-min fairness, as TCP about does (the model of the Estee simulator). Objects that
 * one worker pulls from another come one after the other in one stream, as on the real connection.
 *
 *     holder --uplink--> (switch without limits) --downlink--> puller
 */
export type FlowNetwork = {
  pull(puller: number, holder: number, request: FlowRequest): void;
  readonly totals: FlowTotals;
};

type Stream = {
  readonly holder: number;
  readonly puller: number;
  readonly waiting: FlowRequest[];
  /** The first of `waiting` that has not been begun. */
  next: number;
  current: FlowRequest | undefined;
  leftBytes: number;
  bytesPerUs: number;
};

/** What remains of an object after rounding. */
const NOTHING_BYTES = 1e-3;

/** @param bytesPerUs speed of each link in each direction; Infinity makes transfers take no time but latency */
export function createFlowNetwork(
  clock: VirtualClock,
  options: { readonly bytesPerUs: number; readonly latencyUs: number },
): FlowNetwork {
  const { bytesPerUs: capacity, latencyUs } = options;
  const streams = new Map<string, Stream>();
  /** Streams that carry something now. */
  const active = new Set<Stream>();
  const totals: FlowTotals = { transfers: 0, bytes: 0, streamsMax: 0 };
  let updatedUs = 0;
  let isChanged = false;
  let alarm: Scheduled | undefined;

  const progress = (): void => {
    const passedUs = clock.nowUs() - updatedUs;
    updatedUs = clock.nowUs();
    if (passedUs <= 0) return;
    for (const stream of active) stream.leftBytes -= stream.bytesPerUs * passedUs;
  };

  const finishCurrent = (stream: Stream): void => {
    const { current } = stream;
    if (current === undefined) return;
    stream.current = undefined;
    active.delete(stream);
    clock.schedule(latencyUs, current.onArrived);
    beginNext(stream);
  };

  const beginNext = (stream: Stream): void => {
    const request = stream.waiting[stream.next];
    if (request === undefined) {
      stream.waiting.length = 0;
      stream.next = 0;
      return;
    }
    stream.next += 1;
    stream.current = request;
    stream.leftBytes = request.sizeBytes;
    totals.transfers += 1;
    totals.bytes += request.sizeBytes;
    active.add(stream);
    change();
  };

  /** Rates are computed once for all that changes at one moment. */
  const change = (): void => {
    if (isChanged) return;
    isChanged = true;
    clock.schedule(0, () => {
      isChanged = false;
      progress();
      update();
    });
  };

  const update = (): void => {
    if (alarm !== undefined) clock.cancel(alarm);
    alarm = undefined;
    shareFairly(active, capacity, totals);
    let soonestUs = Number.POSITIVE_INFINITY;
    for (const { leftBytes, bytesPerUs } of active) {
      soonestUs = Math.min(soonestUs, leftBytes <= NOTHING_BYTES ? 0 : leftBytes / bytesPerUs);
    }
    if (active.size === 0) return;
    alarm = clock.schedule(soonestUs, () => {
      alarm = undefined;
      progress();
      // A remainder that takes no time by the clock's resolution would never end.
      const ended = [...active].filter(
        ({ leftBytes, bytesPerUs }) =>
          leftBytes <= NOTHING_BYTES || clock.nowUs() + leftBytes / bytesPerUs === clock.nowUs(),
      );
      for (const stream of ended) finishCurrent(stream);
      change();
    });
  };

  return {
    totals,
    pull: (puller, holder, request) => {
      const key = `${puller}<${holder}`;
      let stream = streams.get(key);
      if (stream === undefined) {
        stream = {
          holder,
          puller,
          waiting: [],
          next: 0,
          current: undefined,
          leftBytes: 0,
          bytesPerUs: 0,
        };
        streams.set(key, stream);
      }
      stream.waiting.push(request);
      if (stream.current !== undefined) return;
      progress();
      beginNext(stream);
    },
  };
}

type Link = { leftCapacity: number; streams: Stream[]; open: number };

/**
 * Max-min fairness by progressive filling (Bertsekas and Gallager, Data Networks, 6.5.2): again and
 * again, the link whose streams would get least fixes their rates. O(links^2 + streams).
 */
function shareFairly(active: ReadonlySet<Stream>, capacity: number, totals: FlowTotals): void {
  if (capacity === Number.POSITIVE_INFINITY) {
    for (const stream of active) stream.bytesPerUs = capacity;
    return;
  }
  const uplinks = new Map<number, Link>();
  const downlinks = new Map<number, Link>();
  const linkOf = (links: Map<number, Link>, worker: number): Link => {
    let link = links.get(worker);
    if (link === undefined) {
      link = { leftCapacity: capacity, streams: [], open: 0 };
      links.set(worker, link);
    }
    return link;
  };
  for (const stream of active) {
    stream.bytesPerUs = -1;
    for (const link of [linkOf(uplinks, stream.holder), linkOf(downlinks, stream.puller)]) {
      link.streams.push(stream);
      link.open += 1;
    }
  }
  for (const { open } of uplinks.values()) totals.streamsMax = Math.max(totals.streamsMax, open);
  const links = [...uplinks.values(), ...downlinks.values()];
  for (;;) {
    let tightest: Link | undefined;
    let share = Number.POSITIVE_INFINITY;
    for (const link of links) {
      if (link.open === 0) continue;
      const each = link.leftCapacity / link.open;
      if (each < share) {
        share = each;
        tightest = link;
      }
    }
    if (tightest === undefined) return;
    for (const stream of tightest.streams) {
      if (stream.bytesPerUs !== -1) continue;
      stream.bytesPerUs = share;
      for (const link of [linkOf(uplinks, stream.holder), linkOf(downlinks, stream.puller)]) {
        link.leftCapacity = Math.max(0, link.leftCapacity - share);
        link.open -= 1;
      }
    }
  }
}
