/** A task that was to be canceled by a name that a person gave. */
export type CanceledTask = {
  /** The number of its client. */
  readonly client: number;
  /** That client's number of it. */
  readonly task: number;
  /** Empty where it has none. */
  readonly label: string;
};
