import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/base/random.ts";
import type { TaskRefs } from "../../src/core/model/batches.ts";
import { DATA_TYPE } from "../../src/core/model/symbols.ts";
import { VirtualClock } from "../../src/simulator/clock.ts";
import { createPeerNetwork, type PeerHost } from "../../src/simulator/peer-network.ts";
import type { SimulatedValue } from "../../src/simulator/values.ts";

const value = (sizeBytes: number): SimulatedValue => ({
  dataType: DATA_TYPE.data,
  hash: 1,
  factor: 1,
  sizeBytes,
  items: undefined,
});

const refs = (...tasks: number[]): TaskRefs => ({
  tasks: Uint32Array.from(tasks),
  attempts: Uint32Array.from(tasks, () => 1),
});

const hostOf = (sizes: Readonly<Record<number, number>>): PeerHost => ({
  findObject: (task) => {
    const sizeBytes = sizes[task];
    return sizeBytes === undefined ? undefined : value(sizeBytes);
  },
  onServed: () => {},
});

function createNetwork() {
  const clock = new VirtualClock();
  const options = { latencyUs: 10, bytesPerUs: 100, breakProbability: 0 };
  const network = createPeerNetwork(clock, createRandom(1), options);
  const log: string[] = [];
  const pull = (puller: number, peer: number, wanted: TaskRefs): void =>
    network.pull(puller, peer, wanted, {
      onArrived: (objects) =>
        log.push(`${clock.nowUs()}: ${puller} got ${objects.map(({ task }) => task).join(" ")}`),
      onFailed: (failed, reason) =>
        log.push(`${clock.nowUs()}: ${puller} lacks ${failed.tasks.join(" ")}, ${reason}`),
    });
  const play = (): string[] => {
    while (clock.advance());
    return log;
  };
  return { clock, network, pull, play };
}

describe("the peer network", () => {
  test("two pulls from one worker share its uplink", () => {
    const { network, pull, play } = createNetwork();
    network.join(1, hostOf({ 7: 100_000, 8: 100_000 }));
    network.join(2, hostOf({}));
    network.join(3, hostOf({}));
    pull(2, 1, refs(7));
    pull(3, 1, refs(8));
    expect(play()).toEqual(["1020: 2 got 7", "2020: 3 got 8"]);
    expect(network.totals).toMatchObject({ transfers: 2, bytes: 200_000 });
  });

  test("says what the peer does not have, and brings the rest together where it is small", () => {
    const { network, pull, play } = createNetwork();
    network.join(1, hostOf({ 7: 1000, 9: 1000 }));
    network.join(2, hostOf({}));
    pull(2, 1, refs(7, 8, 9));
    expect(play()).toEqual(["20: 2 lacks 8, missing", "40: 2 got 7 9"]);
  });

  test("breaks off what comes from a worker that leaves, and keeps quiet to one that left", () => {
    const { clock, network, pull, play } = createNetwork();
    network.join(1, hostOf({ 7: 1_000_000 }));
    network.join(2, hostOf({ 5: 1_000_000 }));
    network.join(3, hostOf({}));
    pull(3, 1, refs(7));
    pull(1, 2, refs(5));
    clock.schedule(100, () => network.leave(1));
    expect(play()).toEqual(["110: 3 lacks 7, broken"]);
  });
});

describe("a popular object", () => {
  const SIZE_BYTES = 1_000_000_000;

  /** The time until `count` workers have pulled an object from one, in transfers of it. */
  function spread(count: number, lost: readonly number[] = []) {
    const { clock, network } = createNetwork();
    const served = new Map<number, number>();
    const holders = new Set([0]);
    for (let worker = 0; worker <= count; worker++) {
      network.join(worker, {
        findObject: () => (holders.has(worker) ? value(SIZE_BYTES) : undefined),
        onServed: () => void served.set(worker, (served.get(worker) ?? 0) + 1),
      });
    }
    let failures = 0;
    for (let worker = 1; worker <= count; worker++) {
      network.pull(worker, 0, refs(7), {
        onArrived: () => {
          holders.add(worker);
          if (lost.includes(worker)) network.leave(worker);
        },
        onFailed: () => {
          failures += 1;
        },
      });
    }
    while (clock.advance());
    return {
      holders: holders.size - 1,
      failures,
      transfers: clock.nowUs() / (SIZE_BYTES / 100),
      mostServed: Math.max(...served.values()),
    };
  }

  test("200 workers have it in the time of a few transfers, and none serves many", () => {
    const { holders, failures, transfers, mostServed } = spread(200);
    expect([holders, failures]).toEqual([200, 0]);
    expect(transfers).toBeLessThan(12);
    expect(mostServed).toBeLessThan(12);
  });

  test("workers that leave as soon as they have it hold nobody up for long", () => {
    const lost = Array.from({ length: 20 }, (_, i) => 1 + 7 * i);
    const { holders, failures, transfers } = spread(200, lost);
    expect([holders, failures]).toEqual([200, 0]);
    expect(transfers).toBeLessThan(40);
  });
});
