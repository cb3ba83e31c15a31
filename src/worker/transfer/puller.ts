import type { Log } from "../../core/base/log.ts";
import type { TaskRefs } from "../../core/model/batches.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import type { PeerAddress } from "../../protocol/worker/messages.ts";
import type { PullerIdentity } from "../../transport/pull-connection.ts";
import type { ConnectSecurity } from "../../transport/security/connect-securely.ts";
import { putObject, type Store } from "../store/store.ts";
import type { ValueId } from "../store/value-id.ts";
import { createPeerLink, type FetchRequest, type PeerLink } from "./peer-link.ts";
import { createRefGatherer } from "./ref-gatherer.ts";

export type PullerOptions = {
  readonly store: Store;
  readonly identity: PullerIdentity;
  /** Which holders are trusted; default: whoever is there. */
  readonly security?: ConnectSecurity | undefined;
  /** Whether files of peers may be taken over in place of their bytes. Default true. */
  readonly sharesFiles?: boolean;
  /** Both are told in batches. */
  readonly onFetched: (refs: TaskRefs) => void;
  readonly onFailed: (refs: TaskRefs, peer: number) => void;
  /** They came, and there is no room for them. */
  readonly onRefused: (refs: TaskRefs, failure: TaskFailure) => void;
  readonly log: Log;
};

/** Fetches data objects from other workers into the store. */
export type Puller = {
  /** Learns where a peer serves its objects. What is under way from it goes on if it is where it was. */
  addPeer(peer: PeerAddress): void;
  /** Peers that it knows. */
  peers(): number[];
  /** Forgets a peer. What is under way from it is given up, and nobody is told. */
  removePeer(workerId: number): void;
  /** Asks for these objects, in this order. */
  fetch(peer: number, refs: TaskRefs): void;
  /** The end of these will not be told. */
  abandon(refs: TaskRefs): void;
  /** Gives everything up. */
  dispose(): void;
};

/**
 * A peer that is busy may name another worker that has just got the object; then it is asked, and if
 * that fails, the first one again, a few times. Whoever ordered the fetch knows nothing of it.
 *
 *     fetch from A  -->  A: ask B  -->  B  -->  fetched
 *                                       B fails  -->  A  -->  ...
 */
export function createPuller(options: PullerOptions): Puller {
  const { store, log, identity, security, sharesFiles = true } = options;
  const links = new Map<number, PeerLink>();
  /** What was asked for and not told, by `task:attempt`, and of whom. */
  const wanted = new Map<string, { readonly request: FetchRequest; link: PeerLink }>();
  const fetched = createRefGatherer(options.onFetched);

  const tellFailed = (requests: readonly FetchRequest[], peer: number): void => {
    for (const request of requests) wanted.delete(keyOf(request));
    options.onFailed(
      {
        tasks: Uint32Array.from(requests, ({ task }) => task),
        attempts: Uint32Array.from(requests, ({ attempt }) => attempt),
      },
      peer,
    );
  };

  const ask = (link: PeerLink, requests: readonly FetchRequest[]): void => {
    for (const request of requests) wanted.set(keyOf(request), { request, link });
    link.ask(requests);
  };

  /** Goes back to those who had sent us to the peer; its own are told. */
  const onFailed = (peer: number, requests: readonly FetchRequest[]): void => {
    const own: FetchRequest[] = [];
    for (const request of requests) {
      const origin = request.origin === peer ? undefined : links.get(request.origin);
      request.vainRedirects += 1;
      if (origin === undefined) own.push(request);
      else ask(origin, [request]);
    }
    if (own.length > 0) tellFailed(own, peer);
  };

  const onFetched = (request: FetchRequest, value: ValueId): void => {
    wanted.delete(keyOf(request));
    putObject(store, request.task, request.attempt, value);
    fetched.add(request.task, request.attempt);
  };

  const createLink = (address: PeerAddress): PeerLink =>
    createPeerLink(
      address,
      { store, identity, security, sharesFiles, log },
      {
        onFetched,
        onFailed: (requests) => onFailed(address.workerId, requests),
        onRefused: (request, failure) => {
          wanted.delete(keyOf(request));
          const { task, attempt } = request;
          const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
          options.onRefused(refs, failure);
        },
        onRedirected: (request, peer) => ask(linkTo(peer), [request]),
      },
    );

  /** A peer may be named to us by another one before the server does. */
  const linkTo = (address: PeerAddress): PeerLink => {
    const known = links.get(address.workerId);
    if (known !== undefined) return known;
    const link = createLink(address);
    links.set(address.workerId, link);
    return link;
  };

  const removePeer = (workerId: number): void => {
    const link = links.get(workerId);
    if (link === undefined) return;
    links.delete(workerId);
    const sentHere: FetchRequest[] = [];
    for (const request of link.close()) {
      if (request.isWanted && request.origin !== workerId) sentHere.push(request);
      else {
        request.isWanted = false;
        wanted.delete(keyOf(request));
      }
    }
    onFailed(workerId, sentHere);
  };

  return {
    peers: () => [...links.keys()],
    addPeer: (address) => {
      const known = links.get(address.workerId)?.address;
      if (known?.host === address.host && known.port === address.port) return;
      removePeer(address.workerId);
      links.set(address.workerId, createLink(address));
    },
    removePeer,
    fetch: (peer, refs) => {
      const requests = Array.from(refs.tasks, (task, i) => ({
        task,
        attempt: refs.attempts[i] as number,
        origin: peer,
        isWanted: true,
        vainRedirects: 0,
        requestId: 0,
      }));
      const link = links.get(peer);
      if (link === undefined) tellFailed(requests, peer);
      else ask(link, requests);
    },
    abandon: (refs) => {
      refs.tasks.forEach((task, i) => {
        const key = keyOf({ task, attempt: refs.attempts[i] as number });
        const found = wanted.get(key);
        if (found === undefined) return;
        wanted.delete(key);
        found.link.abandon(found.request);
      });
    },
    dispose: () => {
      const all = [...links.values()];
      links.clear();
      for (const link of all) {
        for (const request of link.close()) request.isWanted = false;
      }
    },
  };
}

const keyOf = ({ task, attempt }: { readonly task: number; readonly attempt: number }): string =>
  `${task}:${attempt}`;
