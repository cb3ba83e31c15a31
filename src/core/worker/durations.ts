import { type AssignedTasks, FLAG_LOAD_CHECKPOINT } from "../model/batches.ts";
import { TASK_TYPE } from "../model/symbols.ts";

/** Functions of which is remembered how long they take; the one learned longest ago is forgotten. */
const REMEMBERED_MAX = 4096;
/** A function that was fast last time may have been lucky; one that was slow, is slow. */
const FALLING_RATE = 0.1;
const US_MIN = 1;

/** How long calls of each function take here, in microseconds: rises at once and falls slowly. */
export class Durations {
  readonly #expectedUs = new Map<number, number>();

  expectedUs(key: number): number | undefined {
    return this.#expectedUs.get(key);
  }

  learn(key: number, durationUs: number): void {
    const us = Math.max(US_MIN, durationUs);
    const known = this.#expectedUs.get(key) ?? us;
    if (this.#expectedUs.size >= REMEMBERED_MAX && !this.#expectedUs.has(key)) {
      for (const oldest of this.#expectedUs.keys()) {
        this.#expectedUs.delete(oldest);
        break;
      }
    }
    this.#expectedUs.set(key, us >= known ? us : known + FALLING_RATE * (us - known));
  }
}

/** Whether the task is a call of a function of the user, to be made by a runner. */
export function isFunctionCall(batch: AssignedTasks, index: number): boolean {
  const taskType = batch.taskTypes[index];
  if (taskType !== TASK_TYPE.pyCall && taskType !== TASK_TYPE.jsCall) return false;
  return ((batch.flags[index] as number) & FLAG_LOAD_CHECKPOINT) === 0;
}

/** How far into a config the name of a function can be. */
const NAME_BYTES_MAX = 512;
/** In the config of `loom/js/call`, `{"export":"name","label":...}`, it ends the name of the function. */
const COMMA = 0x2c;

/**
 * Names the function that the task calls, nearly always without confusing two of them (FNV-1a):
 * by the object with its code, and for `loom/js/call` by what the config says first.
 */
export function functionKeyOf(batch: AssignedTasks, index: number): number {
  const taskType = batch.taskTypes[index] as number;
  const input = batch.inputStarts[index] as number;
  let key = mixKey(0x811c9dc5, taskType);
  key = mixKey(key, batch.inputTasks[input] ?? 0);
  key = mixKey(key, batch.inputAttempts[input] ?? 0);
  if (taskType !== TASK_TYPE.jsCall) return key;
  const { details } = batch;
  const start = batch.detailStarts[index] as number;
  const end = Math.min(batch.detailStarts[index + 1] as number, start + NAME_BYTES_MAX);
  for (let position = start; position < end; position++) {
    const byte = details[position] as number;
    if (byte === COMMA) break;
    key = mixKey(key, byte);
  }
  return key;
}

const mixKey = (key: number, value: number): number => Math.imul(key ^ value, 0x01000193) >>> 0;
