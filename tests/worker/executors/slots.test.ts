import { expect, test } from "vitest";
import { createDeferred } from "../../../src/core/base/deferred.ts";
import { createSlots } from "../../../src/worker/executors/slots.ts";

test("so many at a time, the others in their order, whatever fails", async () => {
  const slots = createSlots(2);
  const works = Array.from({ length: 6 }, () => createDeferred<number>());
  const started: number[] = [];
  const results = works.map(({ promise }, i) =>
    slots
      .use(() => {
        started.push(i);
        return promise;
      })
      .catch((error: Error) => error.message),
  );
  await expect.poll(() => started).toEqual([0, 1]);
  works[1]?.reject(new Error("failed"));
  await results[1];
  await expect.poll(() => started).toEqual([0, 1, 2]);
  for (const [i, { resolve }] of works.entries()) resolve(i);
  expect(await Promise.all(results)).toEqual([0, "failed", 2, 3, 4, 5]);
  expect(started).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await slots.use(async () => "free again")).toBe("free again");
});
