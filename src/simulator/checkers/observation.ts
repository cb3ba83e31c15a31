import type { ResourceOffer, ResourceRequest } from "../../core/model/resources.ts";
import type { SimulatedValue } from "../values.ts";

/** Names an attempt, or the data object it made, at one worker. */
type At = { readonly workerId: number; readonly task: number; readonly attempt: number };

/** What the simulated world shows to the checkers. None of it is what a brain believes. */
export type Observation =
  | { readonly kind: "worker-joined"; readonly workerId: number; readonly offer: ResourceOffer }
  | { readonly kind: "worker-lost"; readonly workerId: number }
  /** What it was saying may not have come, and is said again by the next one. */
  | { readonly kind: "server-died" }
  /** It ended after it was drained: nothing is to be computed again for that. */
  | { readonly kind: "worker-left"; readonly workerId: number }
  /** It has told the server, on a new connection, what it holds and has. */
  | { readonly kind: "worker-back"; readonly workerId: number }
  /** The server has noticed that the connection to the worker, which may go on, is gone. */
  | { readonly kind: "connection-lost"; readonly workerId: number }
  | (At & {
      readonly kind: "execution-started";
      readonly request: ResourceRequest;
      /** Names the work itself: equal for every attempt at one task and for no other task. */
      readonly work: string;
    })
  /** One that is stopped is no longer wanted, and goes on until it is killed. */
  | (At & { readonly kind: "execution-stopped" | "execution-killed" })
  | (At & {
      readonly kind: "execution-ended";
      /** It failed, and may not fail when it is tried again. */
      readonly mayTryAgain: boolean;
    })
  /** An execution needs an object that its worker does not hold. */
  | (At & { readonly kind: "input-missing"; readonly input: string })
  | (At & { readonly kind: "object-stored" | "object-discarded" })
  | (At & { readonly kind: "object-served"; readonly peer: number })
  /** A checkpoint's file is gone: what it was made from, which may be gone too, is needed again. */
  | (At & { readonly kind: "checkpoint-missing" })
  /** The worker could not store an object. */
  | { readonly kind: "disk-full"; readonly workerId: number }
  /** A pull broke off; whoever believes that the data is lost may have it computed again. */
  | { readonly kind: "pull-failed"; readonly workerId: number; readonly peer: number }
  | { readonly kind: "plan-submitted"; readonly clientId: number; readonly planNumber: number }
  /** The server has told the client. */
  | {
      readonly kind: "result-finished";
      readonly clientId: number;
      readonly clientTask: number;
    }
  | {
      readonly kind: "task-failed";
      readonly clientId: number;
      readonly clientTask: number;
      readonly message: string;
    }
  | {
      readonly kind: "request-refused";
      readonly clientId: number;
      /** Of the plan that is refused. */
      readonly planIdBase: number | undefined;
      readonly message: string;
    }
  | {
      readonly kind: "result-canceled";
      readonly clientId: number;
      readonly clientTask: number;
    }
  /** The server has read the client's request, as with the next one. */
  | {
      readonly kind: "cancel-requested";
      readonly clientId: number;
      readonly clientTasks: Int32Array;
      readonly isWholePlan: boolean;
    }
  /** The server has read the client's request. */
  | { readonly kind: "result-released"; readonly clientId: number; readonly clientTask: number }
  | { readonly kind: "client-left"; readonly clientId: number }
  | {
      readonly kind: "result-fetched";
      readonly clientId: number;
      readonly clientTask: number;
      readonly value: SimulatedValue;
    };

/** What is left when nothing more happens. Every client has released all it had, or is gone. */
export type EndState = {
  readonly scheduler: {
    readonly tasks: number;
    readonly objects: number;
    /** That are gone. */
    readonly clients: number;
  };
  readonly workers: readonly {
    readonly workerId: number;
    /** Keys of the objects in its store. */
    readonly objects: readonly string[];
    readonly executions: number;
    readonly pulls: number;
    /** Rows that its brain still knows. */
    readonly tasks: number;
  }[];
};

/** Looks on from outside and throws a CheckFailed at the first thing that must not be. */
export interface Checker {
  readonly name: string;
  observe(observation: Observation): void;
  /** Called once, when nothing more can happen. */
  finish(end: EndState): void;
}

/** A promise to the users that was not kept. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

export function check(condition: boolean, describe: () => string): asserts condition {
  if (!condition) throw new CheckFailed(describe());
}
