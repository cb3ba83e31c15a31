import type { NamedVersion } from "../../../src/core/model/versions.ts";
import type { SmallRequest } from "../../../src/protocol/client/client-request.ts";
import type { ClientResponse } from "../../../src/protocol/client/client-response.ts";
import type { HeldResults } from "../../../src/protocol/client/held-results.ts";
import type { NamedPlan } from "../../../src/protocol/client/named-plan.ts";
import type { Register } from "../../../src/protocol/client/register.ts";
import type { ResponseError } from "../../../src/protocol/client/response-error.ts";
import type { ResultsFinished } from "../../../src/protocol/client/results-finished.ts";
import type { RunConfig } from "../../../src/protocol/client/run-config.ts";
import { bytesOf, listOf, type Values } from "./golden.ts";

const int = (value: unknown): number => (value ?? 0) as number;
const optionalInt = (value: unknown): number | undefined => value as number | undefined;
const optionalText = (value: unknown): string | undefined => value as string | undefined;

/** Golden values as the value that must be decoded from them, and must encode to them. */
export function registerOf(values: Values): Register {
  return {
    type: values.type === "WORKER" ? "worker" : "client",
    port: optionalInt(values.port),
    taskTypes: listOf<string>(values.task_types),
    dataTypes: listOf<string>(values.data_types),
    cpus: optionalInt(values.cpus),
    clientName: optionalText(values.client_name),
    workerProtocolVersion: optionalInt(values.worker_protocol_version),
    capabilities: listOf<string>(values.capabilities),
    resources: listOf(values.resources),
    advertisedHost: optionalText(values.advertised_host),
    workerName: optionalText(values.worker_name),
    versions: listOf<NamedVersion>(values.versions),
    session: optionalText(values.session),
    sessionSecret: values.session_secret === undefined ? undefined : bytesOf(values.session_secret),
  };
}

export function smallRequestOf(values: Values): SmallRequest {
  switch (values.type) {
    case "FETCH":
      return { kind: "fetch", id: int(values.id) };
    case "RELEASE":
      return { kind: "release", id: int(values.id) };
    case "RELEASE_MANY":
      return { kind: "releaseMany", ids: Int32Array.from(listOf<number>(values.ids)) };
    case "STATS":
      return { kind: "stats" };
    case "TRACE":
      return { kind: "trace", path: values.trace_path as string };
    case "TERMINATE":
      return { kind: "terminate" };
    case "GOODBYE":
      return { kind: "goodbye" };
    case "ATTACH":
      return { kind: "attach", held: heldOf(values.held as Values) };
    case "LIST_PLANS":
      return { kind: "listPlans" };
    case "FIND_PLAN":
      return { kind: "findPlan", name: values.name as string };
    case "FORGET_PLAN":
      return { kind: "forgetPlan", name: values.name as string };
    case "CANCEL_PLAN":
      return { kind: "cancelPlan", name: values.name as string };
    case "ATTACH_PLAN":
      return { kind: "attachPlan", name: values.name as string, id: int(values.id) };
    default:
      throw new Error(`no small request: ${JSON.stringify(values)}`);
  }
}

function heldOf(values: Values): HeldResults {
  return {
    planBases: Int32Array.from(listOf<number>(values.plan_bases)),
    planCounts: Int32Array.from(listOf<number>(values.plan_counts)),
    runStarts: Int32Array.from(listOf<number>(values.run_starts)),
    runCounts: Int32Array.from(listOf<number>(values.run_counts)),
    runStates: bytesOf(values.run_states),
    hasMore: values.has_more === true,
  };
}

export function namedPlanOf(values: Values): NamedPlan {
  return {
    name: values.name as string,
    nonce: bytesOf(values.nonce),
    roots: Int32Array.from(listOf<number>(values.roots)),
    labels: listOf<string>(values.labels),
  };
}

function finishedOf(values: Values): ResultsFinished {
  const ids = Int32Array.from(listOf<number>(values.ids));
  const positions = Uint32Array.from(listOf<number>(values.positions));
  if (positions.length === 0) return { ids, carried: undefined };
  const starts = [0];
  for (const size of listOf<number>(values.sizes)) starts.push((starts.at(-1) ?? 0) + size);
  const carried = {
    positions,
    dataTypes: Uint16Array.from(listOf<number>(values.type_ids)),
    frameCounts: Uint32Array.from(listOf<number>(values.frame_counts)),
    starts: Uint32Array.from(starts),
    bytes: bytesOf(values.frames),
  };
  return { ids, carried };
}

export function responseOf(values: Values): ClientResponse {
  switch (values.type) {
    case "DATA": {
      const data = values.data as Values;
      return {
        kind: "data",
        id: int(data.id),
        frameCount: int(data.n_messages),
        dataType: int(data.type_id),
      };
    }
    case "TASK_FINISHED":
      return { kind: "taskFinished", id: int(values.id) };
    case "TASK_FAILED":
      return { kind: "taskFailed", error: errorOf(values.error as Values) };
    case "ERROR":
      return { kind: "error", error: errorOf(values.error as Values) };
    case "NOTICE":
      return { kind: "notice", error: errorOf(values.error as Values) };
    case "DICTIONARY": {
      const symbols = listOf<string>(values.symbols);
      const capabilities = listOf<string>(values.capabilities);
      if (capabilities.length === 0) return { kind: "dictionary", symbols };
      if (values.session === undefined) return { kind: "dictionary", symbols, capabilities };
      const session = {
        id: values.session as string,
        secret: bytesOf(values.session_secret),
        graceMs: int(values.grace_ms),
      };
      return { kind: "dictionary", symbols, capabilities, session };
    }
    case "PLAN_ACCEPTED":
      return { kind: "planAccepted", id: int(values.id), taskCount: int(values.task_count) };
    case "ATTACHED": {
      const attached = values.attached as Values;
      return {
        kind: "attached",
        unknownPlans: Int32Array.from(listOf<number>(attached.unknown_plans)),
        openPlan: int(attached.open_plan),
        openPlanTasks: int(attached.open_plan_tasks),
      };
    }
    case "PLANS":
      return { kind: "plans", json: values.json as string };
    case "PLAN":
      return {
        kind: "plan",
        json: values.json as string,
        roots: Int32Array.from(listOf<number>(values.roots)),
        labels: listOf<string>(values.labels),
      };
    case "FAREWELL":
      return { kind: "farewell", message: (values.error as Values).error_msg as string };
    case "RESULTS_FINISHED":
      return { kind: "resultsFinished", ...finishedOf(values.finished as Values) };
    case "STATS": {
      const stats = values.stats as Values;
      return {
        kind: "stats",
        workerCount: int(stats.n_workers),
        dataObjectCount: int(stats.n_data_objects),
      };
    }
    default:
      throw new Error(`no response: ${JSON.stringify(values)}`);
  }
}

function errorOf(values: Values): ResponseError {
  return {
    id: optionalInt(values.id),
    worker: optionalText(values.worker),
    message: (values.error_msg ?? "") as string,
    exitCode: optionalInt(values.exit_code),
    signal: optionalText(values.signal),
    stderr: values.stderr === undefined ? undefined : bytesOf(values.stderr),
    attempts: optionalInt(values.attempts),
    label: optionalText(values.label),
    causeId: optionalInt(values.cause_id),
    kind: values.kind as string | undefined,
    planGoesOn: values.plan_goes_on as boolean | undefined,
    story: values.story as string[] | undefined,
  };
}

export function runConfigOf(values: Values): RunConfig {
  return {
    args: listOf(values.args).map(bytesOf),
    mapInputs: listOf(values.map_inputs).map(bytesOf),
    mapOutputs: listOf(values.map_outputs).map(bytesOf),
    env: listOf<Values>(values.env).map(({ name, value }) => ({
      name: bytesOf(name),
      value: bytesOf(value),
    })),
    timeLimitMs: optionalInt(values.time_limit_ms),
    paths: listOf(values.paths).map(bytesOf),
  };
}
