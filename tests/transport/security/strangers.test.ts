import { expect, test } from "vitest";
import { createStrangers } from "../../../src/transport/security/strangers.ts";

test("of too many of one address, its oldest goes", () => {
  const ended: number[] = [];
  const strangers = createStrangers(100, 3);
  for (let i = 0; i < 5; i++) strangers.enter("10.0.0.1", () => ended.push(i));
  strangers.enter("10.0.0.2", () => ended.push(-1));
  expect(ended).toEqual([0, 1]);
  expect(strangers.count).toBe(4);
});

test("of too many in all, the oldest of the largest crowd goes", () => {
  const ended: string[] = [];
  const strangers = createStrangers(4, 4);
  strangers.enter("10.0.0.9", () => ended.push("alone"));
  for (let i = 0; i < 5; i++) strangers.enter("::ffff:10.0.0.1", () => ended.push(`crowd ${i}`));
  expect(ended).toEqual(["crowd 0", "crowd 1"]);
});

test("a network of IPv6 counts as one", () => {
  const ended: number[] = [];
  const strangers = createStrangers(100, 2);
  for (let i = 0; i < 4; i++) strangers.enter(`2001:db8:1:2:${i}::1`, () => ended.push(i));
  expect(ended).toEqual([0, 1]);
});

test("whoever was admitted, or has left, is not counted, and leaves once", () => {
  const strangers = createStrangers(10, 10);
  const leaves = Array.from({ length: 3 }, () => strangers.enter("10.0.0.1", () => {}));
  for (const leave of [...leaves, ...leaves]) leave();
  expect(strangers.count).toBe(0);
});
