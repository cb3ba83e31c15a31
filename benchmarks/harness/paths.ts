import { fileURLToPath } from "node:url";

/** The checkout's root; true of this source as of its bundle in `.setup/benchmarks`. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where `scripts/bench.mjs` bundles the programs of `benchmarks/`. */
export const programPath = (name: string): string => `${ROOT}.setup/benchmarks/${name}.js`;

/** What is written for later: results and profiles; ignored by git. */
export const RESULTS: string = `${ROOT}benchmarks/results`;
