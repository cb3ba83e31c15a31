/** A program to be started, with all that it may see. Bytes arrive unchanged; none may hold a NUL. */
export type ProgramStart = {
  /** Names the run in replies and kills; free again once its end was reported. An unsigned 32-bit number. */
  readonly runId: number;
  /** Absolute path of the program's directory, its own for as long as it runs. */
  readonly cwd: string;
  /** The program's name, then its arguments. A name without a slash is looked for in PATH. */
  readonly args: readonly Uint8Array[];
  /** Added to the worker's environment, in place of variables of the same name. */
  readonly env: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];
  /** Directories put before PATH and LD_LIBRARY_PATH. */
  readonly paths: readonly string[];
  /** The cpus that the program may run on; empty leaves it unpinned. */
  readonly cpus: readonly number[];
  /** File to read; `undefined` is an empty stdin. This path and the next two may be relative to `cwd`. */
  readonly stdinPath: string | undefined;
  /** File to write; `undefined` throws the output away. */
  readonly stdoutPath: string | undefined;
  readonly stderrPath: string;
};

/**
 * How a program ended. `wallUs` is the time from its start to its end in microseconds; `reason` is a
 * sentence for a person; `launcher-lost` says nothing about the program, which may be tried again.
 */
export type ProgramEnd =
  | {
      readonly kind: "exited";
      readonly exitCode: number;
      readonly wallUs: number;
      /** A process of it hangs in the kernel, and is not waited for any longer. */
      readonly hasLeftovers: boolean;
    }
  | { readonly kind: "signaled"; readonly signal: string; readonly wallUs: number }
  | { readonly kind: "spawn-failed"; readonly reason: string }
  | { readonly kind: "launcher-lost"; readonly reason: string };

/**
 * Why programs cannot write into the files that their links lead to: the data directory is mounted
 * read-only for them, or the permissions of the files do it; `none` where neither holds, so that
 * inputs must be copied.
 */
export type Protection = "none" | "permissions" | "namespace";
