/** The records of a journal contradict each other: it is damaged, or was written by something else. */
export class RestoreError extends Error {
  override readonly name: string = "RestoreError";
}
