import { cancel } from "./cancel.ts";
import { cut } from "./cut.ts";
import { delayed } from "./delayed.ts";
import { died } from "./died.ts";
import { drained } from "./drained.ts";
import type { Fault } from "./fault.ts";
import { flaky } from "./flaky.ts";
import { full } from "./full.ts";
import { late } from "./late.ts";
import { leave } from "./leave.ts";
import { lost } from "./lost.ts";
import { release } from "./release.ts";
import { reordered } from "./reordered.ts";
import { repeated } from "./repeated.ts";
import { slow } from "./slow.ts";
import { stalled } from "./stalled.ts";
import { vanish } from "./vanish.ts";

export type FaultName =
  | "lost"
  | "slow"
  | "late"
  | "leave"
  | "release"
  | "flaky"
  | "vanish"
  | "cut"
  | "stalled"
  | "delayed"
  | "reordered"
  | "repeated"
  | "full"
  | "drained"
  | "cancel"
  | "died";

/** What can go wrong, by the names that the command line knows. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  lost,
  slow,
  late,
  leave,
  release,
  flaky,
  vanish,
  cut,
  stalled,
  delayed,
  reordered,
  repeated,
  full,
  drained,
  cancel,
  died,
};

export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULTS) as FaultName[];
