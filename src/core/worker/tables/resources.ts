import { assert } from "../../base/assert.ts";
import type { ResourceOffer } from "../../model/resources.ts";
import { CPUS } from "../../model/symbols.ts";

const NONE = -1;

/** Stands for the right to run a program that asks for nothing; no symbol has this id. */
export const PROGRAM_SLOTS = -1;
/** Stands for the right to call a function in a task that asks for nothing. */
export const FUNCTION_SLOTS = -2;
/** Each needs a process of its own. */
const FUNCTION_SLOTS_PER_CPU = 2;
/** Programs that ask for nothing run beside all others; without a limit a plan of them is a fork bomb. */
const PROGRAM_SLOTS_PER_CPU = 16;

/** What one task takes: `amounts[i]` of the resource in slot `slots[i]`. */
export type Demand = { readonly slots: readonly number[]; readonly amounts: readonly number[] };

/** What the worker has and what is free of it; resources are numbered by slots. */
export class Resources {
  readonly #slotOfResource = new Map<number, number>();
  readonly offered: Float64Array;
  readonly free: Float64Array;
  /** Free cpu numbers form a list; so do those of each running task. */
  readonly #nextCpu: Int32Array;
  #firstFreeCpu: number;
  readonly #cpuSlot: number;

  constructor(offer: ResourceOffer) {
    const cpus = offer.find(({ resource }) => resource === CPUS)?.amount ?? 0;
    const slots = [
      { resource: PROGRAM_SLOTS, amount: PROGRAM_SLOTS_PER_CPU * Math.max(1, cpus) },
      { resource: FUNCTION_SLOTS, amount: FUNCTION_SLOTS_PER_CPU * Math.max(1, cpus) },
    ];
    const all = [...offer, ...slots];
    all.forEach(({ resource }, slot) => {
      assert(!this.#slotOfResource.has(resource), "an offer names each resource once");
      this.#slotOfResource.set(resource, slot);
    });
    this.#cpuSlot = this.slotOf(CPUS);
    this.offered = Float64Array.from(all, ({ amount }) => amount);
    this.free = this.offered.slice();
    this.#nextCpu = Int32Array.from({ length: cpus }, (_, cpu) =>
      cpu + 1 < cpus ? cpu + 1 : NONE,
    );
    this.#firstFreeCpu = cpus > 0 ? 0 : NONE;
  }

  /** Slot of the resource, or -1 if the worker has none of it. */
  slotOf(resource: number): number {
    return this.#slotOfResource.get(resource) ?? NONE;
  }

  fits({ slots, amounts }: Demand): boolean {
    for (let i = 0; i < slots.length; i++) {
      if ((amounts[i] as number) > (this.free[slots[i] as number] as number)) return false;
    }
    return true;
  }

  /** How often it fits beside itself; it must ask for something. */
  timesFitting({ slots, amounts }: Demand): number {
    let times = Number.POSITIVE_INFINITY;
    for (let i = 0; i < slots.length; i++) {
      const free = this.free[slots[i] as number] as number;
      times = Math.min(times, Math.floor(free / (amounts[i] as number)));
    }
    return times;
  }

  /** It must fit. Returns the first cpu of those taken, or -1. */
  take({ slots, amounts }: Demand): number {
    let firstCpu = NONE;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const amount = amounts[i] as number;
      this.free[slot] = (this.free[slot] as number) - amount;
      if (slot === this.#cpuSlot) firstCpu = this.#takeCpus(amount);
    }
    return firstCpu;
  }

  /** Gives back what `take` took and returned. */
  release({ slots, amounts }: Demand, firstCpu: number): void {
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      this.free[slot] = (this.free[slot] as number) + (amounts[i] as number);
    }
    if (firstCpu === NONE) return;
    let last = firstCpu;
    while (this.#nextCpu[last] !== NONE) last = this.#nextCpu[last] as number;
    this.#nextCpu[last] = this.#firstFreeCpu;
    this.#firstFreeCpu = firstCpu;
  }

  /** The cpu numbers of the list that begins with `firstCpu`. */
  cpus(firstCpu: number): number[] {
    const cpus: number[] = [];
    for (let cpu = firstCpu; cpu !== NONE; cpu = this.#nextCpu[cpu] as number) cpus.push(cpu);
    return cpus;
  }

  freeCpus(): number[] {
    return this.cpus(this.#firstFreeCpu);
  }

  /** Cuts `amount` cpus off the front of the free list. */
  #takeCpus(amount: number): number {
    const firstCpu = this.#firstFreeCpu;
    let last = firstCpu;
    for (let taken = 1; taken < amount; taken++) last = this.#nextCpu[last] as number;
    this.#firstFreeCpu = this.#nextCpu[last] as number;
    this.#nextCpu[last] = NONE;
    return firstCpu;
  }
}
