/** A mistake that the toolchain must refuse. */
export type PlantedMistake = {
  readonly what: string;
  /** Where it is planted; nothing else imports it. */
  readonly path: string;
  readonly source: string;
  /** Code of the compiler's error, or name of the linter's rule, one of which is enough. */
  readonly refusedBy: readonly string[];
};

const mistake = (
  what: string,
  path: string,
  source: string,
  ...refusedBy: string[]
): PlantedMistake => ({ what, path, source: `${source}\n`, refusedBy });

/** Refused by the compiler. */
export const FOR_THE_COMPILER: readonly PlantedMistake[] = [
  mistake(
    "an import over a border",
    "src/core/worker/planted-border.ts",
    `import type { SchedulerEvent } from "../scheduler/events.ts";\nexport type Planted = SchedulerEvent;`,
    "TS6307",
  ),
  mistake(
    "a module of Node in a pure room",
    "src/core/model/planted-node-module.ts",
    `import { readFileSync } from "node:fs";\nexport const planted: string = String(readFileSync);`,
    "TS2307",
    "TS2591",
  ),
  mistake(
    "a module of Node for its side effects in a pure room",
    "src/core/model/planted-side-effect.ts",
    `import "node:fs";`,
    "TS2882",
  ),
  mistake(
    "the process in a pure room",
    "src/core/model/planted-process.ts",
    "export const planted: string = String(process);",
    "TS2591",
    "TS2580",
  ),
  mistake(
    "a Buffer in a pure room",
    "src/core/model/planted-buffer.ts",
    "export const planted: string = String(Buffer);",
    "TS2591",
    "TS2580",
  ),
  mistake(
    "the network in a pure room",
    "src/core/model/planted-fetch.ts",
    "export const planted: string = String(fetch);",
    "TS2304",
  ),
  mistake(
    "a timer in a pure room",
    "src/core/model/planted-timer.ts",
    "export const planted: string = String(setTimeout);",
    "TS2304",
  ),
  mistake(
    "the console in a pure room",
    "src/core/model/planted-console.ts",
    "export const planted: string = String(console);",
    "TS2584",
  ),
  mistake(
    "an enum",
    "src/core/model/planted-enum.ts",
    "export enum Planted {\n  One,\n}",
    "TS1294",
  ),
  mistake(
    "an event without a handler",
    "src/core/scheduler/planted-handler.ts",
    `import { unreachable } from "../base/assert.ts";
import type { SchedulerEvent } from "./events.ts";
export function planted(event: SchedulerEvent): void {
  switch (event.kind) {
    case "client-joined":
      return;
    default:
      unreachable(event);
  }
}`,
    "TS2345",
  ),
  mistake(
    "an id of one kind where another is meant",
    "src/core/model/planted-brand.ts",
    `import type { Brand } from "../base/brand.ts";
type TaskId = Brand<number, "TaskId">;
type WorkerId = Brand<number, "WorkerId">;
export const planted = (id: WorkerId): TaskId => id;`,
    "TS2322",
  ),
  mistake(
    "an export without a type",
    "src/core/model/planted-inferred.ts",
    "const values = new Map<string, number>();\nexport const planted = values.get('x');",
    "TS9010",
  ),
];

/** Refused by the linter. */
export const FOR_THE_LINTER: readonly PlantedMistake[] = [
  mistake(
    "a module of Node in a pure room",
    "src/core/model/planted-node-module.ts",
    `import "node:fs";`,
    "lint/correctness/noNodejsModules",
  ),
  mistake(
    "the wall clock in a pure room",
    "src/core/model/planted-clock.ts",
    "export const planted: number = Date.now();",
    "lint/style/noRestrictedGlobals",
  ),
  mistake(
    "randomness without a seed in a pure room",
    "src/core/model/planted-random.ts",
    "export const planted: number = Math.random();",
    "plugin",
  ),
  mistake(
    "an import cycle",
    "src/core/model/planted-cycle.ts",
    `import { back } from "./planted-cycle-back.ts";\nexport const planted: number = back;`,
    "lint/suspicious/noImportCycles",
  ),
  mistake(
    "the other half of an import cycle",
    "src/core/model/planted-cycle-back.ts",
    `import { planted } from "./planted-cycle.ts";\nexport const back: number = planted;`,
    "lint/suspicious/noImportCycles",
  ),
  mistake(
    "a promise that nobody waits for",
    "src/transport/planted-promise.ts",
    "const later = async (): Promise<number> => 1;\nexport function planted(): void {\n  later();\n}",
    "lint/nursery/noFloatingPromises",
  ),
  mistake(
    "any",
    "src/core/model/planted-any.ts",
    "export type Planted = any;",
    "lint/suspicious/noExplicitAny",
  ),
  mistake(
    "a value that is said to be there",
    "src/core/model/planted-non-null.ts",
    "export const planted = (values: number[]): number => values[0]!;",
    "lint/style/noNonNullAssertion",
  ),
  mistake(
    "a default export",
    "src/core/model/planted-default.ts",
    "const planted = 1;\nexport default planted;",
    "lint/style/noDefaultExport",
  ),
  mistake(
    "a barrel file",
    "src/transport/index.ts",
    `export { listenTcp } from "./listen-tcp.ts";\nexport { connectTcp } from "./connect-tcp.ts";`,
    "lint/performance/noBarrelFile",
  ),
  mistake(
    "words to the terminal from anywhere",
    "src/transport/planted-console.ts",
    `console.log("here");\nexport const planted = 1;`,
    "lint/suspicious/noConsole",
  ),
  mistake(
    "an import without its extension",
    "src/core/model/planted-extension.ts",
    `import type { Plan } from "./plan";\nexport type Planted = Plan;`,
    "lint/correctness/useImportExtensions",
  ),
  mistake(
    "a file name in another style",
    "src/core/model/plantedName.ts",
    "export const planted = 1;",
    "lint/style/useFilenamingConvention",
  ),
];
