/** What is told of a plan that lives without its client. */
export type PlanSummary = {
  readonly name: string;
  /** `running` until all of its results are finished. */
  readonly state: "running" | "finished" | "failed" | "canceled";
  readonly tasks: number;
  /** Tasks that were submitted, each once. */
  readonly results: number;
  readonly resultsFinished: number;
  /** Milliseconds since 1970. */
  readonly submittedAtMs: number;
  /** The name of the client that submitted it. */
  readonly client: string | undefined;
  /** Why it failed. */
  readonly failure: string | undefined;
};

/** The answer to a request about one plan. */
export type PlanAnswer =
  | { readonly plan: PlanSummary; readonly error?: undefined }
  | { readonly plan?: undefined; readonly error: string };
