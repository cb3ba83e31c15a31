/** An amount of one named resource. `resource` is a symbol id, `amount` a whole number >= 0. */
export type ResourceAmount = { readonly resource: number; readonly amount: number };

/** What a task needs while it runs: at most one entry a resource, amounts above 0. Empty: a light task. */
export type ResourceRequest = readonly ResourceAmount[];

/** What a worker has in all: at most one entry a resource. */
export type ResourceOffer = readonly ResourceAmount[];
