import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/base/random.ts";
import { VirtualClock } from "../../src/simulator/clock.ts";
import { createLink } from "../../src/simulator/link.ts";

describe("a link", () => {
  const timing = { latencyUs: 100, jitterUs: 400 };

  test("delivers in order, and the end last", () => {
    const clock = new VirtualClock();
    const got: (number | string)[] = [];
    const link = createLink<number>(
      clock,
      createRandom(1),
      timing,
      (message) => got.push(message),
      () => got.push("end"),
    );
    for (let message = 0; message < 50; message += 1) {
      clock.schedule(message * 10, () => link.send(message));
    }
    clock.schedule(500, () => {
      link.end();
      link.send(99);
    });
    while (clock.advance());
    expect(got).toEqual([...Array.from({ length: 50 }, (_, index) => index), "end"]);
  });

  test("delivers nothing once it is cut", () => {
    const clock = new VirtualClock();
    const got: number[] = [];
    const link = createLink<number>(
      clock,
      createRandom(1),
      timing,
      (message) => got.push(message),
      () => got.push(-1),
    );
    link.send(1);
    link.end();
    link.cut();
    while (clock.advance());
    expect(got).toEqual([]);
  });
});
