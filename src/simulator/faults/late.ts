import type { Fault } from "./fault.ts";

/** Workers join when work is already under way, or before there is any worker at all. */
export const late: Fault = ({ random, workerCount, conditions, moment }) => {
  const everybodyIsLate = random.unit() < 0.2;
  for (let position = 0; position < workerCount; position += 1) {
    if (position > 0 || everybodyIsLate) conditions.joinsAtUs[position] = moment();
  }
};
