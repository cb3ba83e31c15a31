import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/base/random.ts";
import { VirtualClock } from "../../src/simulator/clock.ts";

function playAll(clock: VirtualClock): void {
  while (clock.advance());
}

describe("the virtual clock", () => {
  test("plays in the order of time, and of scheduling where times are equal", () => {
    const clock = new VirtualClock();
    const random = createRandom(7);
    const played: { atUs: number; sequence: number }[] = [];
    for (let sequence = 0; sequence < 1000; sequence += 1) {
      const atUs = random.below(50);
      clock.schedule(atUs, () => {
        expect(clock.nowUs()).toBe(atUs);
        played.push({ atUs, sequence });
      });
    }
    playAll(clock);
    const sorted = [...played].sort(
      (left, right) => left.atUs - right.atUs || left.sequence - right.sequence,
    );
    expect(played).toHaveLength(1000);
    expect(played).toEqual(sorted);
  });

  test("does not play what was canceled, and counts what is to come without the background", () => {
    const clock = new VirtualClock();
    const played: string[] = [];
    const canceled = clock.schedule(1, () => played.push("canceled"));
    clock.schedule(2, () => played.push("kept"));
    clock.scheduleInBackground(3, () => played.push("background"));
    expect(clock.pending).toBe(2);
    clock.cancel(canceled);
    clock.cancel(canceled);
    expect(clock.pending).toBe(1);
    playAll(clock);
    expect(played).toEqual(["kept", "background"]);
    expect(clock.pending).toBe(0);
  });

  test("takes actions that are scheduled by actions", () => {
    const clock = new VirtualClock();
    let count = 0;
    const again = (): void => {
      count += 1;
      if (count < 100) clock.schedule(10, again);
    };
    clock.schedule(10, again);
    playAll(clock);
    expect(clock.nowUs()).toBe(1000);
  });
});
