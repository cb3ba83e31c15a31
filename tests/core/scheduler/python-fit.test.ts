import { describe, expect, test } from "vitest";
import type { NamedVersion, WorkerPython } from "../../../src/core/model/versions.ts";
import { findMisfit } from "../../../src/core/scheduler/python-fit.ts";

type Told = { readonly python?: string; readonly protocol?: string; readonly cloudpickle?: string };

function versions({ python, protocol, cloudpickle }: Told): NamedVersion[] {
  const told = { python, "pickle-protocol": protocol, cloudpickle };
  return Object.entries(told).flatMap(([name, version]) =>
    version === undefined ? [] : [{ name, version }],
  );
}

const found = (told: Told): WorkerPython => ({
  kind: "found",
  interpreter: "/usr/bin/python3",
  versions: versions(told),
});

const HERE = { python: "3.11.2", protocol: "5", cloudpickle: "2.2.0" };

describe("a worker's Python fits", () => {
  test.each<[string, Told, Told]>([
    ["the same", HERE, HERE],
    ["another patch of it", { ...HERE, python: "3.11.9" }, HERE],
    ["a release candidate of it", { ...HERE, python: "3.11.0rc1" }, HERE],
    ["a client that reads older pickles than the worker", { ...HERE, protocol: "4" }, HERE],
    ["a client with an older cloudpickle", { ...HERE, cloudpickle: "1.6.0" }, HERE],
    ["a client with a newer cloudpickle of the same major", { ...HERE, cloudpickle: "2.9" }, HERE],
    ["a client that told nothing", {}, HERE],
    ["a client of a form that is not known", { python: "unknown" }, HERE],
    ["a worker that told nothing", HERE, {}],
  ])("%s", (_, client, worker) => {
    expect(findMisfit(versions(client), found(worker))).toBeUndefined();
  });
});

describe("a worker's Python does not fit", () => {
  test.each<[string, Told, Told, RegExp]>([
    [
      "a client of another minor version",
      { ...HERE, python: "3.7.1" },
      HERE,
      /by \/usr\/bin\/python3, Python 3\.11\.2; this client has Python 3\.7\.1\..*--python and an interpreter of version 3\.7, or this client with Python 3\.11\.$/,
    ],
    ["a client of a later one", { ...HERE, python: "3.12.0rc1" }, HERE, /version 3\.12, or/],
    ["a client of another major version", { ...HERE, python: "4.11.2" }, HERE, /version 4\.11, or/],
    ["one of two digits", { ...HERE, python: "3.1.4" }, HERE, /version 3\.1, or/],
    [
      "a client that writes newer pickles",
      { ...HERE, protocol: "6" },
      HERE,
      /Python 3\.11\.2, which reads pickles up to protocol 5; this client writes protocol 6\./,
    ],
    [
      "a client of a newer cloudpickle",
      { ...HERE, cloudpickle: "3.1.2" },
      HERE,
      /with cloudpickle 2\.2\.0; this client pickles by cloudpickle 3\.1\.2.*Install cloudpickle 3 /,
    ],
  ])("%s", (_, client, worker, text) => {
    expect(findMisfit(versions(client), found(worker))).toMatch(text);
  });

  test("whoever calls, where there is none", () => {
    const missing: WorkerPython = { kind: "missing", reason: "no cloudpickle" };
    expect(findMisfit([], missing)).toBe("no cloudpickle");
    expect(findMisfit(versions(HERE), missing)).toBe("no cloudpickle");
  });
});
