import { expect, onTestFinished, test } from "vitest";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { BUILTINS } from "../../../src/worker/executors/builtin/builtins.ts";
import { putObject } from "../../../src/worker/store/store.ts";
import type { valueId } from "../../../src/worker/store/value-id.ts";
import { startHolder, startPuller } from "../support/test-peers.ts";
import { testStore } from "../support/test-store.ts";

/** Many small values: work that nothing but a budget interrupts. */
const COUNT = 300_000;

/** How often the event loop turned meanwhile: as often could a heartbeat have been answered. */
async function countTurns(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  return turns;
}

test("a merge of many small inputs lets the event loop turn", async () => {
  const { values } = testStore();
  const input = values.createBytes(Buffer.from("x"));
  const inputs = new Array<ReturnType<typeof valueId>>(COUNT).fill(input);
  const task = { values, inputs, config: new Uint8Array(0) };
  const merge = BUILTINS.get(TASK_TYPE.merge);
  expect(merge?.now(task)).toBeUndefined();
  let sizeBytes = 0;
  const turns = await countTurns(async () => {
    const merged = await merge?.aside(task, new AbortController().signal);
    sizeBytes = values.sizeBytes(merged ?? input);
  });
  expect(sizeBytes).toBe(COUNT);
  expect(turns).toBeGreaterThan(3);
});

test("an array of many small items is sent and received while the event loop turns", async () => {
  const holder = await startHolder();
  const other = startPuller(holder.port);
  const items = Array.from({ length: COUNT }, (_, i) => holder.values.createBytes(Buffer.of(i)));
  putObject(holder, 1, 1, holder.values.createArray(Uint32Array.from(items)));
  for (const item of items) holder.values.release(item);
  other.fetch(1, [[1, 1]]);
  const turns = await countTurns(async () => {
    await expect.poll(() => other.fetched, { timeout: 20_000, interval: 1 }).toEqual(["1:1"]);
  });
  expect(turns).toBeGreaterThan(10);
  expect(other.values.count).toBe(COUNT + 1);
}, 30_000);
