import { BUILTIN_SYMBOLS, TASK_TYPE } from "../model/symbols.ts";

/**
 * What was learned about tasks of one group: those of one type whose labels agree up to the first
 * `:`. Users never give durations; they are seen.
 */
export type Groups = {
  readonly idByKey: Map<string, number>;
  readonly meanUs: number[];
  readonly observations: number[];
  readonly taskTypes: number[];
  /** By task type: what all of its groups took, for groups of which nothing was seen so far. */
  readonly typeMeanUs: number[];
  readonly typeObservations: number[];
  /** Sizes of what they made; NaN where nothing was seen. */
  readonly meanBytes: number[];
};

/** Labels that differ without end, such as numbers without a colon, are not told apart beyond so many groups. */
const GROUPS_MAX = 16_384;

/** Weight of a new observation, once there are a few. */
const LEARNING_RATE = 0.2;
/**
 * Once so many were seen, one that took much longer counts as if it had taken so many times the
 * mean and a little: on a busy machine a task of 2 us takes 10 ms now and then.
 */
const OUTLIER_AFTER = 8;
const OUTLIER_TIMES = 4;
const OUTLIER_US = 100;

export function createGroups(): Groups {
  return {
    idByKey: new Map(),
    meanUs: [],
    observations: [],
    taskTypes: [],
    typeMeanUs: [],
    typeObservations: [],
    meanBytes: [],
  };
}

/** The group of a task type and label prefix, made when it is new. */
export function groupOf(groups: Groups, taskType: number, prefix: string): number {
  let key = `${taskType}:${prefix}`;
  let id = groups.idByKey.get(key);
  if (id === undefined && groups.meanUs.length >= GROUPS_MAX) {
    key = `${taskType}`;
    id = groups.idByKey.get(key);
  }
  if (id === undefined) {
    id = groups.meanUs.length;
    groups.idByKey.set(key, id);
    groups.meanUs.push(priorUs(taskType));
    groups.observations.push(0);
    groups.meanBytes.push(Number.NaN);
    groups.taskTypes.push(taskType);
    groups.typeMeanUs[taskType] ??= priorUs(taskType);
    groups.typeObservations[taskType] ??= 0;
  }
  return id;
}

/** The time that a task of the group is expected to take on the resources that it asks for. */
export const expectedUsOf = (groups: Groups, group: number): number =>
  (groups.observations[group] as number) > 0
    ? (groups.meanUs[group] as number)
    : (groups.typeMeanUs[groups.taskTypes[group] as number] as number);

export function learnDuration(groups: Groups, group: number, durationUs: number): void {
  if (!(durationUs >= 0)) return;
  const taskType = groups.taskTypes[group] as number;
  observe(groups.meanUs, groups.observations, group, durationUs);
  observe(groups.typeMeanUs, groups.typeObservations, taskType, durationUs);
}

function observe(means: number[], counts: number[], index: number, durationUs: number): void {
  const seen = (counts[index] as number) + 1;
  counts[index] = seen;
  const rate = Math.max(LEARNING_RATE, 1 / seen);
  const mean = means[index] as number;
  const greatestUs =
    seen > OUTLIER_AFTER ? OUTLIER_TIMES * mean + OUTLIER_US : Number.POSITIVE_INFINITY;
  means[index] = mean + rate * (Math.min(Math.max(durationUs, 1), greatestUs) - mean);
}

export function learnSize({ meanBytes }: Groups, group: number, sizeBytes: number): void {
  const mean = meanBytes[group] as number;
  meanBytes[group] = mean >= 0 ? mean + LEARNING_RATE * (sizeBytes - mean) : sizeBytes;
}

/** What a task of the group is expected to make; undefined if none was seen. */
export function expectedBytesOf({ meanBytes }: Groups, group: number): number | undefined {
  const mean = meanBytes[group] as number;
  return mean >= 0 ? mean : undefined;
}

/** Sets what is expected of the group, as if it had been seen often. */
export function presetGroup(groups: Groups, group: number, us: number): void {
  groups.meanUs[group] = us;
  groups.observations[group] = 1_000;
}

/** What to expect of a type before anything was seen. */
function priorUs(taskType: number): number {
  if (taskType === TASK_TYPE.run) return 100_000;
  if (taskType === TASK_TYPE.save) return 1_000;
  if (taskType >= BUILTIN_SYMBOLS.length) return 10_000;
  if (taskType === TASK_TYPE.pyCall || taskType === TASK_TYPE.jsCall) return 10_000;
  return 5;
}
