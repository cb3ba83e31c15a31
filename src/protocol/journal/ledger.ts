import type { JournalRecord } from "../../core/model/journal-record.ts";
import { ownerOf } from "./record-codec.ts";

/** Whose record it is, as a key of the ledger; undefined for facts about the cluster, which every segment begins with. */
export function ownerKeyOf(record: JournalRecord): string | undefined {
  const owner = ownerOf(record);
  return owner.kind === "cluster" ? undefined : `${owner.kind} ${owner.id}`;
}

/** What lies in each segment, and how much of it is still true: its owner has not come to its end. */
export type JournalLedger = {
  /** The record is going to be written, behind all that were announced before: what it ends does not live from now on. */
  announce(record: JournalRecord): void;
  /** The record was written to the segment, or found in it. */
  add(record: JournalRecord, segment: number, sizeBytes: number): void;
  /** Bytes of records whose owners live; of one segment, or of all. */
  liveBytes(segment?: number): number;
  /** Whether the owner of the record lives; never of facts about the cluster, and of the ends of owners. */
  isLive(record: JournalRecord): boolean;
  /** The segment is gone. */
  forget(segment: number): void;
};

export function createLedger(): JournalLedger {
  /** Bytes of each living owner in each segment. */
  const owners = new Map<string, Map<number, number>>();
  const bySegment = new Map<number, number>();
  const plansOfClient = new Map<number, Set<string>>();
  const clientOfPlan = new Map<string, number>();
  /** Owners whose end was announced and is not written, and what is ended with them. */
  const ending = new Map<string, readonly string[]>();
  const ended = new Set<string>();
  let allBytes = 0;

  const count = (segment: number, bytes: number): void => {
    bySegment.set(segment, (bySegment.get(segment) ?? 0) + bytes);
    allBytes += bytes;
  };

  const end = (key: string): void => {
    for (const [segment, bytes] of owners.get(key) ?? []) count(segment, -bytes);
    owners.delete(key);
    const clientId = clientOfPlan.get(key);
    if (clientId === undefined) return;
    clientOfPlan.delete(key);
    plansOfClient.get(clientId)?.delete(key);
  };

  /** Whom the record ends; undefined if it ends nobody. */
  const endedBy = (record: JournalRecord, key: string): readonly string[] | undefined => {
    if (record.kind === "plan-ended" || record.kind === "worker-left") return [key];
    if (record.kind !== "client-left") return undefined;
    return [key, ...(plansOfClient.get(record.clientId) ?? [])];
  };

  const noteClient = (key: string, clientId: number): void => {
    if (clientOfPlan.has(key)) return;
    clientOfPlan.set(key, clientId);
    const plans = plansOfClient.get(clientId);
    if (plans === undefined) plansOfClient.set(clientId, new Set([key]));
    else plans.add(key);
  };

  return {
    announce(record) {
      const key = ownerKeyOf(record);
      if (key === undefined) return;
      if (record.kind === "plan-accepted" || record.kind === "plan-begun") {
        noteClient(key, record.clientId);
      }
      const owned = endedBy(record, key);
      if (owned === undefined) return;
      ending.set(key, owned);
      for (const other of owned) {
        end(other);
        ended.add(other);
      }
    },
    add(record, segment, sizeBytes) {
      const key = ownerKeyOf(record);
      if (key === undefined) return;
      const owned = ending.get(key) ?? endedBy(record, key);
      if (endedBy(record, key) !== undefined) {
        ending.delete(key);
        for (const other of owned ?? []) {
          end(other);
          ended.delete(other);
        }
        if (record.kind === "client-left") plansOfClient.delete(record.clientId);
        return;
      }
      // Its end stands right behind it.
      if (ended.has(key)) return;
      if (record.kind === "plan-accepted" || record.kind === "plan-begun") {
        noteClient(key, record.clientId);
      }
      let segments = owners.get(key);
      if (segments === undefined) {
        segments = new Map();
        owners.set(key, segments);
      }
      segments.set(segment, (segments.get(segment) ?? 0) + sizeBytes);
      count(segment, sizeBytes);
    },
    liveBytes: (segment) => (segment === undefined ? allBytes : (bySegment.get(segment) ?? 0)),
    isLive(record) {
      const key = ownerKeyOf(record);
      return key !== undefined && owners.has(key);
    },
    forget(segment) {
      count(segment, -(bySegment.get(segment) ?? 0));
      bySegment.delete(segment);
      for (const segments of owners.values()) segments.delete(segment);
    },
  };
}
