import type { Fault } from "./fault.ts";

/** Clients release results that are not finished. */
export const release: Fault = ({ clientCount, moment, at }) => {
  for (let position = 0; position < clientCount; position += 1) {
    for (let time = 0; time < 2; time += 1) {
      at(moment(), `client ${position + 1} releases`, ({ clients }) =>
        clients[position]?.releaseUnfinished(0.3),
      );
    }
  }
};
