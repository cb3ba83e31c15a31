import type { Fault } from "./fault.ts";

const TIMES = 3;

/** Clients cancel results that are not finished, and at last whole plans. */
export const cancel: Fault = ({ clientCount, moment, at }) => {
  for (let position = 0; position < clientCount; position += 1) {
    for (let time = 1; time <= TIMES; time += 1) {
      at(moment(), `client ${position + 1} cancels`, ({ clients }) =>
        clients[position]?.cancelUnfinished(0.2, time === TIMES),
      );
    }
  }
};
