/** What a process that runs functions offers to the copies of this package in their bundles. */
export type RunnerServices = {
  /** The context of the call that runs. */
  currentTask(): unknown;
  /** Under which name the module of the running function exports this one, and its code. */
  findExport(callee: unknown): { readonly name: string; readonly code: Uint8Array } | undefined;
};

const KEY: unique symbol = Symbol.for("hyperloom/runner-services");

type Holder = { [KEY]?: RunnerServices };

/** Those of this process; undefined outside of a runner. */
export const findRunnerServices = (): RunnerServices | undefined => (globalThis as Holder)[KEY];

export function offerRunnerServices(services: RunnerServices): void {
  (globalThis as Holder)[KEY] = services;
}
