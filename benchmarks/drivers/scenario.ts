import type { Client } from "../../src/client/index.ts";
import type { Sample } from "../harness/cases.ts";
import type { Parameters } from "../harness/run-driver.ts";

/** The client API of the build that is measured, which may be another one than this checkout's. */
export type Hyperloom = typeof import("../../src/client/index.ts");
export type Tasks = Hyperloom["tasks"];

export type DriverRequest = {
  readonly scenario: string;
  readonly parameters: Parameters;
  /** Directory of the build whose client is used. */
  readonly build: string;
  readonly address: string;
  /** Processes of the cluster, by name, where they are of this machine. */
  readonly pids: Readonly<Record<string, number>>;
  /** How many workers to wait for. */
  readonly workerCount: number;
};

export type ScenarioContext = {
  readonly hyperloom: Hyperloom;
  readonly tasks: Tasks;
  readonly client: Client;
  /** Directory of the build that is measured. */
  readonly build: string;
  readonly address: string;
  readonly pids: Readonly<Record<string, number>>;
  number(name: string): number;
  text(name: string): string;
};

/** What a client process does and measures. */
export type Scenario = (context: ScenarioContext) => Promise<Sample>;
