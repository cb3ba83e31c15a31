/**
 * Every code of a HyperloomError, with what it means. `docs/errors.md` says for each what to do
 * next; a test compares the two.
 */
export const ERROR_CODES = {
  "invalid-argument": "A function was called with something it cannot take.",
  "server-unreachable": "No server answered at the address in time.",
  "server-refused": "The server refused the connection's registration.",
  "server-untrusted":
    "What listens at the address has not shown that it is this user's or this cluster's server.",
  "access-file-unusable": "An access file cannot be read, or does not fit.",
  "server-lost": "The connection to the server ended; what it held for this client is gone.",
  "protocol-broken": "The peer sent bytes that are not the protocol.",
  "client-closed": "The client was closed by this program.",
  "task-failed": "A task failed by its own fault, or because an input of it failed.",
  "plan-failed": "Another task of the same plan failed, so this one was given up.",
  "task-canceled": "Somebody canceled the task, or one that it needs.",
  "plan-refused": "The server did not accept the plan; nothing of it ran.",
  "no-such-plan": "There is no plan of that name that lives without its client.",
  "future-released": "The result was released, so it can be neither fetched nor used.",
  "future-of-another-client": "A future was given to a client that did not make it.",
  "request-refused": "The server answered a request with an error.",
  "result-too-large": "The result does not fit into a Buffer of this Node.",
  "result-not-raw": "Only raw data can be streamed, and the result is something else.",
  "result-unreadable": "The bytes of the result are not what its type says.",
  "trace-refused": "The server cannot write a trace to the given path.",
  "cluster-start-failed": "A process of a local cluster did not start.",
  "port-in-use": "Another process listens on the port.",
  "work-directory-unusable": "The work directory cannot be made or written.",
  "journal-unusable":
    "The journal's directory cannot be used: it is in use, damaged, or of another version.",
  "module-unusable": "A module of extension task types cannot be loaded.",
  "module-not-bundled": "A module of functions cannot be made one file for the workers.",
} as const;

/** The closed union of codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * The world, or the caller, misbehaves. `code` is for programs; `message` is a sentence that names
 * what it is about and says what to do next; `cause` is the error below, where there is one.
 */
export class HyperloomError extends Error {
  override readonly name: string = "HyperloomError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
