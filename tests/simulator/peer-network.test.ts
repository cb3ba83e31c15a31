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
