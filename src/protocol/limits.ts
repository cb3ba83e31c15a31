/**
 * Every limit of the protocols, with its unit and its reason. A longer or larger thing is refused
 * with a text that names the limit; nothing is allocated on the strength of a claimed length.
 */

/** Bytes of the first frame of a connection: whoever has not registered yet gets no memory to fill. */
export const MAX_REGISTER_FRAME_BYTES: number = 64 * 1024;

/** Bytes of a request that is no PLAN: it holds an id or a path. */
export const MAX_REQUEST_FRAME_BYTES: number = 1024 * 1024;

/** Bytes of a PLAN, which carries its constants: the most that protobuf's int32 lengths can express. */
export const MAX_PLAN_FRAME_BYTES: number = 2 ** 31 - 1;

/** Bytes of a server's message to a client, payload apart: a text, stderr of 128 KiB or all symbols. */
export const MAX_RESPONSE_FRAME_BYTES: number = 16 * 1024 * 1024;

/** Levels of unknown groups in a protobuf message; the default of Google's decoders. */
export const MAX_GROUP_DEPTH = 100;

/** Tasks of a plan: five times the largest that we measure, with columns of nearly 2 GiB. */
export const MAX_PLAN_TASKS = 50_000_000;

/** Inputs of all tasks of a plan together: a GiB of them, while packed ones may take one byte each. */
export const MAX_PLAN_INPUTS: number = 2 ** 28;

/** Resource requests of a plan, those added for extension types included: tasks name them by 16 bits. */
export const MAX_PLAN_REQUESTS = 65_536;

/** Different policies of a plan: each is an object of the scheduler's. */
export const MAX_PLAN_POLICIES = 65_536;

/** Resources in one request: far above what a site names, low enough for linear search. */
export const MAX_REQUEST_RESOURCES = 64;

/** Extension symbols that one plan names: each may take an id in the server for ever. */
export const MAX_PLAN_SYMBOLS = 1024;

/** UTF-8 bytes of a symbol or another name: it is printed in one line. */
export const MAX_NAME_BYTES = 1024;

/** Arguments, mapped files, variables or paths in one list of a program's config: a small string each. */
export const MAX_RUN_ITEMS = 1_048_576;

/** Bytes of one message to a worker: constants ride along with assignments, as large as in a PLAN. */
export const MAX_TO_WORKER_BODY_BYTES: number = 2 ** 31 - 8;

/** Bytes of one message from a worker: batches of small reports; the largest holds a program's stderr. */
export const MAX_FROM_WORKER_BODY_BYTES: number = 64 * 1024 * 1024;

/** Bytes of one message to a worker's data port: some ten thousand requests. */
export const MAX_PULL_BODY_BYTES: number = 1024 * 1024;

/** Bytes of one message from a worker's data port; the offsets of an index are part of it. */
export const MAX_PULL_ANSWER_BODY_BYTES: number = 2 ** 31 - 8;

/**
 * Bytes of a result's frames up to which it rides with the report that it is finished: about what
 * one more message costs, so that carrying it in vain loses little.
 */
export const MAX_CARRIED_RESULT_BYTES = 4096;

/** Bytes of results that one report carries; what ends in the same turn goes with another. */
export const MAX_CARRIED_REPORT_BYTES: number = 1024 * 1024;

/** Bytes of small results that the server keeps for clients that fetch them: the oldest goes first. */
export const MAX_HELD_RESULTS_BYTES: number = 64 * 1024 * 1024;

/** Bytes of small results that a client was given unasked and has not released; others it fetches. */
export const MAX_GIVEN_RESULTS_BYTES: number = 128 * 1024 * 1024;

/** UTF-16 units of one text of a failure; a program's stderr is cut long before. */
export const MAX_FAILURE_TEXT_LENGTH: number = 16 * 1024 * 1024;

/** UTF-8 bytes of a symbol, host or server's name between server and workers: printed in one line. */
export const MAX_WORKER_TEXT_BYTES = 1024;
