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

/** Levels of unknown groups in a protobuf message; the default of Google's decoders. */
export const MAX_GROUP_DEPTH = 100;

/** Resource requests of a plan, those added for extension types included: tasks name them by 16 bits. */
export const MAX_PLAN_REQUESTS = 65_536;

/** Resources in one request: far above what a site names, low enough for linear search. */
export const MAX_REQUEST_RESOURCES = 64;

/** Extension symbols that one plan names: each may take an id in the server for ever. */
export const MAX_PLAN_SYMBOLS = 1024;

/** UTF-8 bytes of a symbol, a client's or a worker's name: they are printed in one line. */
export const MAX_NAME_BYTES = 1024;

/** Names, capabilities or resources in one list of a registration. */
export const MAX_REGISTER_ITEMS = 4096;

/** Arguments, mapped files, variables or paths in one list of a program's config: a small string each. */
export const MAX_RUN_ITEMS = 1_048_576;
