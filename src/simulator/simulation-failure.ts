import { reproducingCommand, type SimulationOptions } from "./simulation-options.ts";

/** A simulation that ended badly: a check failed, a brain broke a promise, or nothing more happens. */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
  readonly command: string;
  readonly options: SimulationOptions;

  constructor(options: SimulationOptions, reason: string, state: string, cause: unknown) {
    const command = reproducingCommand(options);
    super(`${reason}\n${state}\nTo see it again: ${command}`, { cause });
    this.command = command;
    this.options = options;
  }
}
