import {
  CLOUDPICKLE_VERSION,
  findVersion,
  type NamedVersion,
  PICKLE_PROTOCOL_VERSION,
  PYTHON_VERSION,
  type WorkerPython,
} from "../model/versions.ts";

/**
 * Why a worker's Python cannot run functions of a client, and what to do; undefined if nothing is
 * known against it. Equal for workers on which the same is wrong. A client without versions, such
 * as one that pickles nothing of its own, only needs that there is a Python.
 */
export function findMisfit(
  client: readonly NamedVersion[],
  worker: WorkerPython,
): string | undefined {
  if (worker.kind === "missing") return worker.reason;
  const mine = (name: string): string | undefined => findVersion(client, name);
  const theirs = (name: string): string | undefined => findVersion(worker.versions, name);
  const differs = (
    name: string,
    isFit: (own: readonly number[], other: readonly number[]) => boolean,
  ): boolean => {
    const own = parseVersion(mine(name));
    const other = parseVersion(theirs(name));
    // What is not told, or in no form that is known, is nothing to warn of.
    return own !== undefined && other !== undefined && !isFit(own, other);
  };
  const python = `Python functions are called by ${worker.interpreter}, Python ${theirs(PYTHON_VERSION)}`;

  if (differs(PYTHON_VERSION, isSameMinor)) {
    return (
      `${python}; this client has Python ${mine(PYTHON_VERSION)}. Functions and classes that are ` +
      "sent with their code fail there. Start the worker with --python and an interpreter of " +
      `version ${minorOf(mine(PYTHON_VERSION))}, or this client with Python ${minorOf(theirs(PYTHON_VERSION))}.`
    );
  }
  if (differs(PICKLE_PROTOCOL_VERSION, isMajorEnough)) {
    return (
      `${python}, which reads pickles up to protocol ${theirs(PICKLE_PROTOCOL_VERSION)}; this ` +
      `client writes protocol ${mine(PICKLE_PROTOCOL_VERSION)}. Start the worker with --python and ` +
      "a newer interpreter."
    );
  }
  if (differs(CLOUDPICKLE_VERSION, isMajorEnough)) {
    const [major] = parseVersion(mine(CLOUDPICKLE_VERSION)) ?? [];
    return (
      `${python} with cloudpickle ${theirs(CLOUDPICKLE_VERSION)}; this client pickles by ` +
      `cloudpickle ${mine(CLOUDPICKLE_VERSION)}, which an older one cannot read. Install ` +
      `cloudpickle ${major} for that interpreter, or start the worker with --python and another.`
    );
  }
  return undefined;
}

/** Its leading numbers: of `3.12.0rc1` 3, 12 and 0. */
function parseVersion(version: string | undefined): number[] | undefined {
  const numbers = version?.match(/^\d+(\.\d+)*/)?.[0];
  return numbers?.split(".").map(Number);
}

/** Byte code of another minor version is another code. */
function isSameMinor(client: readonly number[], worker: readonly number[]): boolean {
  return client[0] === worker[0] && client[1] === worker[1];
}

/** Newer ones read what older ones wrote. */
function isMajorEnough(client: readonly number[], worker: readonly number[]): boolean {
  return (worker[0] ?? 0) >= (client[0] ?? 0);
}

const minorOf = (version: string | undefined): string =>
  (parseVersion(version) ?? []).slice(0, 2).join(".");
