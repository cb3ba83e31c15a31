import type { Fault } from "./fault.ts";

/** The first client leaves in the middle, and each other one with it one time in three. */
export const leave: Fault = ({ random, clientCount, moment, at }) => {
  for (let position = 0; position < clientCount; position += 1) {
    const atUs = moment();
    if (position > 0 && random.unit() >= 1 / 3) continue;
    at(atUs, `client ${position + 1} leaves`, ({ clients }) => clients[position]?.leave());
  }
};
