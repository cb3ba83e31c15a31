import { expect, test } from "vitest";
import { VirtualClock } from "../../../src/simulator/clock.ts";
import { createFlowNetwork } from "../../../src/simulator/makespan/flow-network.ts";

/** Pulls of `[puller, holder, bytes]` begun together; when each arrived, at 10 bytes a microsecond. */
function arrivalsUs(
  pulls: readonly (readonly [number, number, number])[],
  latencyUs = 0,
): number[] {
  const clock = new VirtualClock();
  const network = createFlowNetwork(clock, { bytesPerUs: 10, latencyUs });
  const arrivals: number[] = [];
  for (const [position, [puller, holder, sizeBytes]] of pulls.entries()) {
    network.pull(puller, holder, {
      sizeBytes,
      onArrived: () => {
        arrivals[position] = clock.nowUs();
      },
    });
  }
  while (clock.advance());
  return arrivals.map((us) => Math.round(us * 1e6) / 1e6);
}

test("one stream has the whole link", () => {
  expect(arrivalsUs([[1, 2, 1000]])).toEqual([100]);
  expect(arrivalsUs([[1, 2, 1000]], 7)).toEqual([107]);
});

test("objects from one worker to another come one after the other", () => {
  expect(
    arrivalsUs([
      [1, 2, 1000],
      [1, 2, 500],
      [1, 2, 0],
    ]),
  ).toEqual([100, 150, 150]);
});

test("streams of one uplink share it, and have more when one ends", () => {
  expect(
    arrivalsUs([
      [1, 9, 1000],
      [2, 9, 500],
    ]),
  ).toEqual([150, 100]);
});

test("a stream that is slow elsewhere leaves its share to others", () => {
  // 9's uplink is shared by three; 1's downlink by two. The stream 1<8 has what 1<9 leaves of it.
  expect(
    arrivalsUs([
      [1, 9, 1000],
      [2, 9, 1000],
      [3, 9, 1000],
      [1, 8, 1000],
    ]),
  ).toEqual([300, 300, 300, 150]);
});

test("200 workers that pull from one take 200 times as long, and are counted", () => {
  const clock = new VirtualClock();
  const network = createFlowNetwork(clock, { bytesPerUs: 10, latencyUs: 0 });
  for (let puller = 1; puller <= 200; puller += 1) {
    network.pull(puller, 0, { sizeBytes: 1000, onArrived: () => {} });
  }
  while (clock.advance());
  expect(clock.nowUs()).toBeCloseTo(20_000, 3);
  expect(network.totals).toEqual({ transfers: 200, bytes: 200_000, streamsMax: 200 });
});

test("without limits, data is there at once", () => {
  const clock = new VirtualClock();
  const network = createFlowNetwork(clock, { bytesPerUs: Number.POSITIVE_INFINITY, latencyUs: 3 });
  network.pull(1, 2, { sizeBytes: 1e12, onArrived: () => {} });
  while (clock.advance());
  expect(clock.nowUs()).toBe(3);
});
