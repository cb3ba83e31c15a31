/** A version of a library or a format on some machine, by its name. */
export type NamedVersion = { readonly name: string; readonly version: string };

/** Names that both a client and a worker tell of their Python. */
export const PYTHON_VERSION = "python";
/** The greatest protocol of pickles that it reads, and writes: a number. */
export const PICKLE_PROTOCOL_VERSION = "pickle-protocol";
/** Of the library that pickles functions with their code. */
export const CLOUDPICKLE_VERSION = "cloudpickle";

/** The Python of a worker that calls functions, if it has one. */
export type WorkerPython =
  | {
      readonly kind: "found";
      /** Path of the program. */
      readonly interpreter: string;
      readonly versions: readonly NamedVersion[];
    }
  | {
      readonly kind: "missing";
      /** What was looked for, and what is to be done; several lines. */
      readonly reason: string;
    };

export function findVersion(versions: readonly NamedVersion[], name: string): string | undefined {
  return versions.find((version) => version.name === name)?.version;
}
