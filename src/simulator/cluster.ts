import { createRandom } from "../core/base/random.ts";
import type { ResourceOffer } from "../core/model/resources.ts";
import { CPUS } from "../core/model/symbols.ts";
import { createLink, type Link, type LinkTiming } from "./link.ts";
import { createSimulatedClient, type SimulatedClient } from "./simulated-client.ts";
import { createSimulatedServer, type SimulatedServer } from "./simulated-server.ts";
import { createSimulatedWorker, type SimulatedWorker } from "./simulated-worker.ts";
import type { SimulationOptions } from "./simulation-options.ts";
import type { VirtualDisk } from "./virtual-journal.ts";
import { GPUS, LICENSES } from "./workloads/mixtures.ts";
import type { Workload } from "./workloads/workload.ts";
import type { World } from "./world.ts";

/** All that is in the world, and how it comes and goes. What faults may do to it is here. */
export type Cluster = {
  /** The one that is there now, or was last. */
  readonly server: SimulatedServer;
  readonly clients: readonly SimulatedClient[];
  /** Those that are there now. */
  workers(): readonly SimulatedWorker[];
  /** Each direction of each connection that is there now. */
  links(): readonly Link<never>[];
  /** Workers of one position offer the same. */
  addWorker(position: number): void;
  /** It ends without a word, and one like it joins so much later. */
  killWorker(worker: SimulatedWorker, replacedAfterUs: number): void;
  /** What is under way between it and the server is lost; each notices in its own time. */
  cutWorker(
    worker: SimulatedWorker,
    delays: { readonly serverNoticesAfterUs: number; readonly workerNoticesAfterUs: number },
  ): void;
  /** It is given no more tasks, and leaves when nothing is lost by that; one like it joins so much later. */
  drainWorker(worker: SimulatedWorker, replacedAfterUs: number): void;
  /** It does nothing for so long. The server gives it up after a while. */
  stallWorker(worker: SimulatedWorker, durationUs: number): void;
  /** For what a fault ends; it is no progress. */
  after(delayUs: number, action: () => void): void;
};

/** After so much silence the server takes a worker for lost. */
const SILENCE_MAX_US = 10_000_000;
const RECONNECT_US = 100_000;

/** Every second worker offers more than cpus. */
function offerOf(position: number, options: SimulationOptions): ResourceOffer {
  const cpus = { resource: CPUS, amount: options.cpusPerWorker };
  if (position % 2 === 1) return [cpus];
  return [cpus, { resource: GPUS, amount: 1 }, { resource: LICENSES, amount: 2 }];
}

type Member = {
  readonly worker: SimulatedWorker;
  readonly position: number;
  readonly offer: ResourceOffer;
  toWorker: Link<Uint8Array>;
  toServer: Link<Uint8Array>;
};

/** A server and the clients of `workloads`, by their ids; workers are to be added. */
export function createCluster(
  world: World,
  options: SimulationOptions,
  workloads: ReadonlyMap<number, Workload>,
): Cluster {
  const { clock, random, conditions } = world;
  const disk: VirtualDisk | undefined = conditions.keepsJournal ? { segments: [] } : undefined;
  let serverCount = 0;
  const startServer = (): SimulatedServer => {
    const death = conditions.deaths[serverCount];
    serverCount += 1;
    return createSimulatedServer(
      world,
      disk,
      death && { ...death, onDeath: () => onServerDied(death.restartedAfterUs) },
    );
  };
  let server = startServer();
  const members = new Map<number, Member>();
  const clientLinks: Link<never>[] = [];
  const timing: LinkTiming = {
    latencyUs: options.latencyUs,
    get jitterUs() {
      return options.latencyUs * conditions.jitterShare;
    },
  };
  const after = (delayUs: number, action: () => void): void => {
    clock.scheduleInBackground(delayUs, action);
  };

  const linkToWorker = (find: () => SimulatedWorker | undefined): Link<Uint8Array> =>
    createLink<Uint8Array>(
      clock,
      random,
      timing,
      (frame) => find()?.onFrame(frame),
      () => {},
    );
  const linkToServer = (workerId: number): Link<Uint8Array> =>
    createLink<Uint8Array>(
      clock,
      random,
      timing,
      (frame) => server.onWorkerFrame(workerId, frame),
      () => server.onWorkerEnd(workerId),
    );

  const addWorker = (position: number): void => {
    if (server.isDead()) {
      after(RECONNECT_US, () => addWorker(position));
      return;
    }
    const offer = offerOf(position, options);
    let worker: SimulatedWorker | undefined;
    const toWorker = linkToWorker(() => worker);
    const workerId = server.connectWorker(toWorker, offer);
    const toServer = linkToServer(workerId);
    const slowness = conditions.slowness[position] ?? 1;
    worker = createSimulatedWorker(world, { workerId, offer, slowness, link: toServer });
    members.set(workerId, { worker, position, offer, toWorker, toServer });
  };

  const killWorker = (victim: SimulatedWorker, replacedAfterUs: number): void => {
    const member = members.get(victim.workerId);
    if (member === undefined) return;
    members.delete(victim.workerId);
    victim.kill();
    // What takes its place is new, and as fast as others.
    conditions.slowness[member.position] = 1;
    after(replacedAfterUs, () => addWorker(member.position));
  };

  /** Another one takes its place; whoever was connected notices soon, and comes back. */
  const onServerDied = (restartedAfterUs: number): void => {
    world.observe({ kind: "server-died" });
    for (const link of clientLinks) link.cut();
    for (const { worker, toWorker, toServer } of members.values()) {
      toWorker.cut();
      toServer.cut();
      world.observe({ kind: "connection-lost", workerId: worker.workerId });
    }
    const lost = [...members.values()];
    clock.schedule(restartedAfterUs, () => {
      server = startServer();
      for (const member of lost) {
        if (members.get(member.worker.workerId) === member) onServerLost(member.worker);
      }
      clientLinks.length = 0;
      for (const client of clients) {
        clock.schedule(RECONNECT_US * random.unit(), () => reconnect(client));
      }
    });
  };

  const reconnect = (client: SimulatedClient): void => {
    const { clientId } = client;
    const there = server;
    if (there.isDead()) return;
    // A real one is waited for, for a while.
    if (client.hasLeft()) {
      there.forgetClient(clientId);
      return;
    }
    const toServer: Link<Uint8Array> = createLink(
      clock,
      random,
      timing,
      (frame) => there.onClientFrame(clientId, frame),
      () => there.onClientEnd(clientId),
    );
    const toClient = createLink(clock, random, timing, client.onDelivery, () => {});
    clientLinks.push(toServer, toClient);
    if (welcomed.has(clientId)) {
      there.reconnectClient(clientId, toClient, capabilitiesOf(clientId));
      client.reconnect(toServer);
    } else {
      client.connect(toServer);
      there.connectClient(clientId, toClient, capabilitiesOf(clientId), () => welcome(client));
    }
  };

  const welcomed = new Set<number>();
  const welcome = (client: SimulatedClient): void => {
    welcomed.add(client.clientId);
    clock.schedule(0, client.start);
  };

  const capabilitiesOf = (clientId: number) => ({
    // Each other one is as an old client.
    takesCarried: clientId % 2 === 0,
    takesCanceled: options.faults.includes("cancel"),
  });

  /** A worker that has lost its server comes back with what it holds and has. */
  const onServerLost = (worker: SimulatedWorker): void => {
    const { workerId } = worker;
    const member = members.get(workerId);
    if (member === undefined) return;
    worker.detach();
    clock.schedule(RECONNECT_US * random.unit(), () => {
      if (members.get(workerId) !== member || server.isDead()) return;
      // It may have come back meanwhile, and its connection was found broken twice.
      worker.detach();
      member.toWorker.cut();
      member.toServer.cut();
      member.toWorker = linkToWorker(() => worker);
      member.toServer = linkToServer(workerId);
      worker.reconnect(member.toServer);
      server.reconnectWorker(workerId, member.toWorker, member.offer);
    });
  };

  const cutWorker: Cluster["cutWorker"] = (victim, delays) => {
    const member = members.get(victim.workerId);
    if (member === undefined) return;
    const { toServer } = member;
    member.toWorker.cut();
    toServer.cut();
    world.observe({ kind: "connection-lost", workerId: victim.workerId });
    // Both must come for anything to go on, so they are part of it.
    clock.schedule(delays.serverNoticesAfterUs, () => {
      // By then it may be back.
      if (member.toServer !== toServer) return;
      world.observe({ kind: "connection-lost", workerId: victim.workerId });
      server.onWorkerEnd(victim.workerId);
    });
    clock.schedule(delays.workerNoticesAfterUs, () => {
      if (member.toServer === toServer) onServerLost(victim);
    });
  };

  const drainWorker: Cluster["drainWorker"] = (worker, replacedAfterUs) => {
    const member = members.get(worker.workerId);
    if (member === undefined) return;
    worker.onStop = () => {
      if (members.delete(worker.workerId)) worker.leave();
    };
    server.drainWorker(worker.workerId);
    // Also where it cannot leave before somebody else is there.
    after(replacedAfterUs, () => addWorker(member.position));
  };

  const stallWorker: Cluster["stallWorker"] = (victim, durationUs) => {
    victim.stall(durationUs);
    if (durationUs <= SILENCE_MAX_US) return;
    cutWorker(victim, { serverNoticesAfterUs: SILENCE_MAX_US, workerNoticesAfterUs: durationUs });
  };

  const clients = [...workloads].map(([clientId, workload]) => {
    const toServer: Link<Uint8Array> = createLink(
      clock,
      random,
      timing,
      (frame) => server.onClientFrame(clientId, frame),
      () => server.onClientEnd(clientId),
    );
    const client = createSimulatedClient(world, {
      clientId,
      workload,
      random: createRandom(options.seed + clientId),
      fetchShare: options.fetchShare,
      link: toServer,
    });
    const toClient = createLink(clock, random, timing, client.onDelivery, () => {});
    clientLinks.push(toServer, toClient);
    server.connectClient(clientId, toClient, capabilitiesOf(clientId), () => welcome(client));
    return client;
  });

  return {
    get server() {
      return server;
    },
    clients,
    workers: () => [...members.values()].map(({ worker }) => worker),
    links: () => [
      ...[...members.values()].flatMap(({ toWorker, toServer }) => [toWorker, toServer]),
      ...clientLinks,
    ],
    addWorker,
    killWorker,
    cutWorker,
    drainWorker,
    stallWorker,
    after,
  };
}
