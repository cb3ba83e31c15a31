import type { Request } from "./request-table.ts";

/** What an execution still holds that is being ended: a part of a lane, or resources of its own. */
export type Ending =
  | { readonly kind: "in-lane"; readonly lane: number; readonly expectedUs: number }
  | { readonly kind: "alone"; readonly request: Request; readonly firstCpu: number };

/**
 * Executions that the shell was told to kill, until it says that nothing of them is left. Their tasks
 * are forgotten already, and may be back as new attempts. Kills are rare, so this is a map.
 */
export class EndingTable {
  readonly #endings = new Map<string, Ending>();
  readonly #graces = new Set<string>();

  get size(): number {
    return this.#endings.size;
  }

  all(): Iterable<Ending> {
    return this.#endings.values();
  }

  /** It has time to end by itself. */
  giveGrace(task: number, attempt: number): void {
    this.#graces.add(`${task}/${attempt}`);
  }

  /** Takes that time away; false if it had none. */
  takeGrace(task: number, attempt: number): boolean {
    return this.#graces.size > 0 && this.#graces.delete(`${task}/${attempt}`);
  }

  add(task: number, attempt: number, ending: Ending): void {
    this.#endings.set(`${task}/${attempt}`, ending);
  }

  /** Removes and returns it; undefined if it is not there. */
  take(task: number, attempt: number): Ending | undefined {
    const key = `${task}/${attempt}`;
    const ending = this.#endings.get(key);
    this.#endings.delete(key);
    this.#graces.delete(key);
    return ending;
  }
}
