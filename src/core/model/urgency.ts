/**
 * The numbers that queues are ordered by hold two: what users have asked for, and below it the
 * longest path to a result, in tasks or in time.
 *
 *     priority = urgency * 2^20 + level        urgency from -2,000 to 2,000, level from 1 to 2^20 - 1
 *
 * A plan that nobody gave a priority has urgency 0, so that its priorities are its levels.
 */
const LEVEL_BITS = 20;

/** The greatest level; what is farther from the end of its plan counts as equally far. */
export const LEVEL_MAX: number = 2 ** LEVEL_BITS - 1;

/** What users have asked for. */
export const urgencyOf = (priority: number): number => priority >> LEVEL_BITS;

export const levelOf = (priority: number): number => priority & LEVEL_MAX;

/** The priority of this urgency and level. */
export const priorityOf = (urgency: number, level: number): number =>
  urgency * (LEVEL_MAX + 1) + level;

/** The priority of what comes one task before, and is as urgent. */
export const priorityBefore = (priority: number): number =>
  (priority & LEVEL_MAX) === LEVEL_MAX ? priority : priority + 1;
