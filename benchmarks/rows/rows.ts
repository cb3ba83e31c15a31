import type { Row } from "../harness/cases.ts";
import { ROW as INDEPENDENT } from "./row-01-independent.ts";
import { ROW as RESULTS } from "./row-02-results.ts";
import { ROW as FLATNESS } from "./row-03-flatness.ts";
import { ROW as TREE } from "./row-04-tree.ts";
import { ROW as SERVER } from "./row-05-server.ts";
import { ROW as SERVER_COST } from "./row-06-server-cost.ts";
import { ROW as PLAN } from "./row-07-plan.ts";
import { ROW as CHAIN } from "./row-08-chain.ts";
import { ROW as ROUND_TRIP } from "./row-09-round-trip.ts";
import { ROW as PROGRAMS } from "./row-10-programs.ts";
import { ROW as PYTHON } from "./row-11-python.ts";
import { ROW as FUNCTIONS } from "./row-12-functions.ts";
import { ROW as TRANSFERS } from "./row-13-transfers.ts";
import { ROW as EFFICIENCY } from "./row-14-efficiency.ts";
import { ROW as WORKFLOWS } from "./row-15-workflows.ts";
import { ROW as SCHEDULING } from "./row-16-scheduling.ts";
import { ROW as SCALING } from "./row-17-scaling.ts";
import { ROW as START_UP } from "./row-18-start-up.ts";
import { ROW as SOAK } from "./row-19-soak.ts";

/** All rows of the table of goals that can be measured, in its order. */
export const ROWS: readonly Row[] = [
  INDEPENDENT,
  RESULTS,
  FLATNESS,
  TREE,
  SERVER,
  SERVER_COST,
  PLAN,
  CHAIN,
  ROUND_TRIP,
  PROGRAMS,
  PYTHON,
  FUNCTIONS,
  TRANSFERS,
  EFFICIENCY,
  WORKFLOWS,
  SCHEDULING,
  SCALING,
  START_UP,
  SOAK,
];
