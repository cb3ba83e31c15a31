import {
  BUILTIN_SYMBOLS,
  CPUS,
  DATA_TYPE,
  MEMORY_SYMBOL,
  MEMORY_UNIT_BYTES,
  RESOURCE_PREFIX,
  TASK_TYPE,
} from "../core/model/symbols.ts";
import type { NamedAmount, Register } from "../protocol/client/register.ts";
import { WORKER_PROTOCOL_VERSION } from "../protocol/worker/messages.ts";
import { BUILTINS } from "./executors/builtin/builtins.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** What a loaded task type is offered as: a resource that is never used up. */
const WITHOUT_LIMIT = 2 ** 31 - 1;

/** Addresses to listen at that nobody can connect to. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** All that the worker offers, by symbol, the cpus first. */
export function listOffer(
  { cpus }: WorkerOptions,
  resources: readonly NamedAmount[],
  customTypes: Iterable<string>,
): NamedAmount[] {
  const offer = [{ name: BUILTIN_SYMBOLS[CPUS] as string, amount: cpus }, ...resources];
  for (const name of customTypes) offer.push({ name, amount: WITHOUT_LIMIT });
  return offer;
}

/** All that it offers beside cpus and task types, by symbol: memory as far as its limit goes, unless told otherwise. */
export function listResources(
  { resources = [], memoryBytes }: WorkerOptions,
  limitBytes: number,
): NamedAmount[] {
  const named = resources.map(({ name, amount }) => ({ name: symbolOf(name), amount }));
  if (named.some(({ name }) => name === MEMORY_SYMBOL)) return named;
  const units = Math.floor(limitBytes / MEMORY_UNIT_BYTES);
  const amount = memoryBytes === undefined ? rounded(units) : units;
  return [...named, { name: MEMORY_SYMBOL, amount }];
}

/** Down to 5 bits: machines of one kind differ by a few MiB, and those that offer the same are placed as one kind. */
function rounded(units: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, units))) - 4);
  return step * Math.floor(units / step);
}

/** What the worker says first. Cpus and task types are no part of the resources there. */
export function createRegistration(
  { host, name, cpus }: WorkerOptions,
  port: number,
  resources: readonly NamedAmount[],
  customTypes: Iterable<string>,
): Register {
  const types = [...BUILTINS.keys(), TASK_TYPE.run, TASK_TYPE.pyCall];
  const builtin = types.map((id) => BUILTIN_SYMBOLS[id] as string);
  return {
    type: "worker",
    port,
    taskTypes: [...builtin, ...customTypes],
    dataTypes: Object.values(DATA_TYPE).map((id) => BUILTIN_SYMBOLS[id]),
    cpus,
    workerProtocolVersion: WORKER_PROTOCOL_VERSION,
    capabilities: [],
    resources,
    advertisedHost: host === undefined || WILDCARDS.has(host) ? undefined : host,
    workerName: name,
  };
}

const symbolOf = (resource: string): string =>
  resource.startsWith(RESOURCE_PREFIX) ? resource : RESOURCE_PREFIX + resource;
