/** By name; the end of the name is the unit, see `format.ts`. */
export type Figures = Readonly<Record<string, number>>;

/** What one run of a case gave. */
export type Sample = {
  readonly wallSeconds: number;
  /** By process: "server", "worker 1", "client". */
  readonly cpuSeconds: Figures;
  /** Greatest resident memory, by process. */
  readonly peakBytes: Figures;
  readonly figures: Figures;
};

export type LimitName = "echo" | "socketPair" | "socketPairWarm" | "memcpy" | "spawn";

/** What is measured: a build of this product, a server that runs already, or a peer. */
export type Subject =
  | {
      readonly kind: "build";
      readonly label: string;
      readonly directory: string;
      /** Its servers keep a journal. */
      readonly keepsJournal?: boolean;
    }
  | {
      readonly kind: "address";
      readonly label: string;
      readonly directory: string;
      readonly address: string;
    }
  | { readonly kind: "dask"; readonly label: string; readonly python: string };

export type RunContext = {
  readonly subject: Subject;
  readonly quick: boolean;
  /** Where profiles of all processes go, or undefined. */
  readonly profileDirectory: string | undefined;
  /** Data sets that are no part of the project. */
  readonly dataDirectory: string | undefined;
  readonly minutes: number;
};

/** "Figure at least" or "at most" a value. */
export type Goal = { readonly figure: string } & (
  | { readonly atLeast: number }
  | { readonly atMost: number }
);

export type Case = {
  readonly name: string;
  /** The figure that is shown first. */
  readonly headline: string;
  readonly goals: readonly Goal[];
  /** Measured in the same minute as each run. */
  readonly limits?: readonly LimitName[];
  /** What peers reached, as text for the report. */
  readonly peers?: string;
  /** Overrides the number of runs, for cases that take long. */
  readonly runs?: number;
  measure(context: RunContext): Promise<Sample>;
  /** Further figures, from those of a run and the limits of its minute. */
  derive?(figures: Figures, limits: Figures): Figures;
};

export type Row = {
  readonly number: number;
  readonly title: string;
  /** Only run when it is asked for by its number. */
  readonly isLong?: boolean;
  cases(quick: boolean): readonly Case[];
};

/** A case cannot be measured here; the message says what is missing. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}
