/** Numbers on the wire of `Register.type`. */
export const REGISTER_TYPE = { worker: 1, client: 2 } as const;

/** Numbers on the wire of `ClientRequest.type`. */
export const REQUEST_TYPE = {
  plan: 1,
  fetch: 2,
  release: 3,
  stats: 6,
  trace: 7,
  terminate: 10,
  /** Ours: asks for all that an operator or a progress display wants to see. */
  status: 50,
  /** Ours: RELEASE of many results; only to servers with the capability "releases". */
  releaseMany: 70,
  /** Ours: ends tasks and what needs them; only to servers with the capability "cancel". */
  cancel: 100,
  /** Ours: what a task wrote to stdout or stderr; only to servers with the capability "logs". */
  readLog: 101,
  /** Ours: asks why tasks are where they are. */
  explain: 60,
  /** Ours: a plan that comes in chunks; only to servers with the capability "plan-chunks". */
  planBegin: 80,
  planChunk: 81,
  planEnd: 82,
  /** Ours: how the direct pull of a result ended; after a DATA_AT. */
  pullEnded: 71,
  /** Ours: the client leaves for good; only to servers with "sessions", as are the following. */
  goodbye: 90,
  /** Ours: what a client has that has come back. */
  attach: 91,
  /** Ours: which plans there are that live without their clients, and one of them. */
  listPlans: 92,
  findPlan: 93,
  /** Ours: a plan that lives without its client is to be told of to this one. */
  attachPlan: 94,
  forgetPlan: 95,
  cancelPlan: 96,
  /** Ours: a worker is to leave once nothing is lost by that; answered like STATUS. */
  drainWorker: 110,
} as const;

/** Numbers on the wire of `ClientResponse.type`. */
export const RESPONSE_TYPE = {
  data: 1,
  taskFinished: 2,
  taskFailed: 3,
  error: 4,
  dictionary: 10,
  stats: 11,
  /** Ours: only for clients with the capability "notices". */
  notice: 50,
  /** Ours: the answer to a STATUS request. */
  status: 52,
  /** Ours: TASK_FINISHED of many, with small results; only for clients with "carried-results". */
  resultsFinished: 70,
  /** Ours: the answer to an EXPLAIN request. */
  explanations: 60,
  /** Ours: results that will never be finished, by a CANCEL; only for clients with "cancel". */
  resultsCanceled: 100,
  /** Ours: the answer to a READ_LOG. */
  logPart: 101,
  /** Ours: the answer to a CANCEL by other names than ids. */
  cancelAnswer: 104,
  /** Ours: where a large result can be pulled from; only for clients with "direct-data". */
  dataAt: 71,
  /** Ours: the plan, or the chunk, is not lost any more; only for clients with "sessions", as are the following. */
  planAccepted: 90,
  /** Ours: the answer to an ATTACH request. */
  attached: 91,
  /** Ours: the answers to LIST_PLANS, and to requests about one plan. */
  plans: 92,
  plan: 93,
  /** Ours: the server ends, and nothing is kept. */
  farewell: 94,
} as const;

/** The only version of the client protocol that there is. */
export const CLIENT_PROTOCOL_VERSION = 2;

/** In a plan, the symbol id `PLAN_SYMBOL_BASE + i` means `symbols[i]` of that plan. */
export const PLAN_SYMBOL_BASE: number = 2 ** 30;
