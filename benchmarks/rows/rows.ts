import type { Row } from "../harness/cases.ts";
import { ROW as INDEPENDENT } from "./row-01-independent.ts";
import { ROW as RESULTS } from "./row-02-results.ts";
import { ROW as FLATNESS } from "./row-03-flatness.ts";
import { ROW as TREE } from "./row-04-tree.ts";
import { ROW as SERVER } from "./row-05-server.ts";
import { ROW as CHAIN } from "./row-08-chain.ts";
import { ROW as ROUND_TRIP } from "./row-09-round-trip.ts";
import { ROW as PROGRAMS } from "./row-10-programs.ts";
import { ROW as FUNCTIONS } from "./row-12-functions.ts";
import { ROW as TRANSFERS } from "./row-13-transfers.ts";
import { ROW as EFFICIENCY } from "./row-14-efficiency.ts";

/** All rows of the table of goals that can be measured, in its order. */
export const ROWS: readonly Row[] = [
  INDEPENDENT,
  RESULTS,
  FLATNESS,
  TREE,
  SERVER,
  CHAIN,
  ROUND_TRIP,
  PROGRAMS,
  FUNCTIONS,
  TRANSFERS,
  EFFICIENCY,
];
