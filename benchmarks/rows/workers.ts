import type { WorkerSpec } from "../harness/cluster.ts";

/** Workers for tasks that need no cpu. */
export const lightWorkers = (count: number): WorkerSpec[] =>
  Array.from({ length: count }, () => ({ cpus: 1 }));

/** Two workers, each for tasks that ask for its side. */
export const SIDES: readonly WorkerSpec[] = [
  { cpus: 2, resources: ["left=1000000"] },
  { cpus: 2, resources: ["right=1000000"] },
];
