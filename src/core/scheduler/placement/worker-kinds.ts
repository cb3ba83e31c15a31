import type { ResourceOffer, ResourceRequest } from "../../model/resources.ts";
import { CPUS } from "../../model/symbols.ts";

/** Buckets by the logarithm of the load: twice as loaded is one further. */
export const LOAD_BUCKETS = 32;

/**
 * Workers with the same offer, in buckets by their load, so that one of the least loaded is found
 * without looking at the others.
 */
export type WorkerKind = {
  readonly key: string;
  readonly offer: ResourceOffer;
  /** Dimension of each resource in the load vectors of the kind's workers. */
  readonly dimensionOf: Map<number, number>;
  readonly amounts: readonly number[];
  readonly buckets: readonly Set<number>[];
  /** Bit b is set where bucket b holds a worker. */
  occupied: number;
  /** Workers of the kind that could take more than there was for them, longest first. */
  readonly hungry: Set<number>;
};

/** Amounts by ascending resource, none of them 0: the form that requests and offers are compared in. */
export function normalized(amounts: ResourceOffer): ResourceOffer {
  return amounts.filter(({ amount }) => amount > 0).sort((a, b) => a.resource - b.resource);
}

export const keyOf = (amounts: ResourceOffer): string =>
  amounts.map(({ resource, amount }) => `${resource}=${amount}`).join(",");

export function createWorkerKind(offer: ResourceOffer): WorkerKind {
  const dimensionOf = new Map(offer.map(({ resource }, dimension) => [resource, dimension]));
  return {
    key: keyOf(offer),
    offer,
    dimensionOf,
    amounts: offer.map(({ amount }) => amount),
    buckets: Array.from({ length: LOAD_BUCKETS }, () => new Set<number>()),
    occupied: 0,
    hungry: new Set(),
  };
}

/** Whether a worker of the kind can run a task with the request, once it has nothing else to do. */
export function canSatisfy(kind: WorkerKind, request: ResourceRequest): boolean {
  return request.every(({ resource, amount }) => {
    const dimension = kind.dimensionOf.get(resource);
    return dimension !== undefined && (kind.amounts[dimension] as number) >= amount;
  });
}

/** The kind's dimension that orders its workers by load: cpus, where it has some. */
export const mainDimension = (kind: WorkerKind): number =>
  kind.dimensionOf.get(CPUS) ?? kind.amounts.length;

const bucketOf = (loadUs: number): number =>
  loadUs < 1 ? 0 : Math.min(LOAD_BUCKETS - 1, 32 - Math.clz32(Math.min(loadUs, 0x7fff_ffff)));

/** Moves the worker to the bucket of its load; returns the bucket. `bucket` is where it is, -1 for nowhere. */
export function moveToBucket(
  kind: WorkerKind,
  workerId: number,
  bucket: number,
  loadUs: number,
): number {
  const target = bucketOf(loadUs);
  if (target === bucket) return bucket;
  leaveBucket(kind, workerId, bucket);
  (kind.buckets[target] as Set<number>).add(workerId);
  kind.occupied |= 1 << target;
  return target;
}

export function leaveBucket(kind: WorkerKind, workerId: number, bucket: number): void {
  if (bucket === -1) return;
  const workers = kind.buckets[bucket] as Set<number>;
  workers.delete(workerId);
  if (workers.size === 0) kind.occupied &= ~(1 << bucket);
}

/** One of the least loaded workers of the kind, or -1. */
export function leastLoadedOf(kind: WorkerKind): number {
  if (kind.occupied === 0) return -1;
  const lowest = 31 - Math.clz32(kind.occupied & -kind.occupied);
  return firstOf(kind.buckets[lowest] as Set<number>);
}

/** Calls `visit` for so many of the least loaded workers of the kind, or all that there are. */
export function forLeastLoaded(
  kind: WorkerKind,
  limit: number,
  visit: (workerId: number) => void,
): void {
  let left = limit;
  for (let occupied = kind.occupied; occupied !== 0; occupied &= occupied - 1) {
    for (const worker of kind.buckets[31 - Math.clz32(occupied & -occupied)] as Set<number>) {
      if (left === 0) return;
      left -= 1;
      visit(worker);
    }
  }
}

/** One of the most loaded workers of the kind, or -1. */
export function mostLoadedOf(kind: WorkerKind): number {
  if (kind.occupied === 0) return -1;
  return firstOf(kind.buckets[31 - Math.clz32(kind.occupied)] as Set<number>);
}

function firstOf(workers: Set<number>): number {
  for (const worker of workers) return worker;
  return -1;
}
