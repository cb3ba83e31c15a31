import {
  BUILTIN_SYMBOLS,
  CPUS,
  DATA_TYPE,
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
  { cpus, resources = [] }: WorkerOptions,
  customTypes: Iterable<string>,
): NamedAmount[] {
  const offer = [{ name: BUILTIN_SYMBOLS[CPUS] as string, amount: cpus }];
  for (const { name, amount } of resources) offer.push({ name: symbolOf(name), amount });
  for (const name of customTypes) offer.push({ name, amount: WITHOUT_LIMIT });
  return offer;
}

/** What the worker says first. Cpus and task types are no part of the resources there. */
export function createRegistration(
  { host, name, cpus, resources = [] }: WorkerOptions,
  port: number,
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
    resources: resources.map((resource) => ({ ...resource, name: symbolOf(resource.name) })),
    advertisedHost: host === undefined || WILDCARDS.has(host) ? undefined : host,
    workerName: name,
  };
}

const symbolOf = (resource: string): string =>
  resource.startsWith(RESOURCE_PREFIX) ? resource : RESOURCE_PREFIX + resource;
