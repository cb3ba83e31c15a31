import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Client } from "../../../src/client/index.ts";
import { createRandom, type Random } from "../../../src/core/base/random.ts";
import { findMarked, type Program, until } from "../../cli/processes/programs.ts";
import {
  createPlace,
  type Language,
  type Place,
  portOf,
  startClient,
  startServer,
  startWorker,
} from "../actors.ts";

/*
 * For two minutes workers, clients and the server are killed and paused at random, while clients in
 * both languages submit plans whose results are known. All results are right, and in the end nothing
 * is left: no task, no object, no process, no file. `HYPERLOOM_CHAOS_SEED=N` draws the same again,
 * as far as the machine lets it; `HYPERLOOM_CHAOS_SECONDS=N` takes another while.
 */

const SECONDS = Number(process.env["HYPERLOOM_CHAOS_SECONDS"] ?? 120);
const SEED = Number(process.env["HYPERLOOM_CHAOS_SEED"] ?? Date.now() % 1_000_000);
const WORKERS = 3;
const CLIENTS: readonly Language[] = ["typescript", "python", "typescript"];
/** Longer than the server waits for a silent worker, and shorter. */
const PAUSES_MS = [50, 500, 2_000, 12_000];

/** Of what happens to the server: that it is killed and started again, and not only paused. */
const SERVER_KILL_SHARE = Number(process.env["HYPERLOOM_CHAOS_SERVER_KILLS"] ?? 0);

/** Clients that are left alone must be done with what they are at. */
const END_MS = 90_000;

type Seat<Name extends string> = { readonly name: Name; program: Program; isPaused: boolean };

type Tally = { readonly counts: Map<string, number>; plans: number };

const note = ({ counts }: Tally, what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1);
};

const hasEnded = ({ child }: Program): boolean =>
  child.exitCode !== null || child.signalCode !== null;

const plansOf = (client: Program): number => client.stdout().match(/^plan \d+$/gm)?.length ?? 0;

/** Everything that runs, and what is done to it. */
class Theater {
  readonly random: Random;
  readonly tally: Tally = { counts: new Map(), plans: 0 };
  readonly workers: Seat<"worker">[] = [];
  readonly clients: Seat<Language>[] = [];
  readonly started: Program[] = [];
  readonly #place: Place;
  readonly #port: number;
  #nextSeed: number;
  server: Seat<"server">;

  constructor(place: Place, server: Program, port: number) {
    this.random = createRandom(SEED);
    this.#place = place;
    this.#port = port;
    this.#nextSeed = SEED * 1_000;
    this.started.push(server);
    this.server = { name: "server", program: server, isPaused: false };
    for (let i = 0; i < WORKERS; i += 1) {
      this.workers.push({ name: "worker", program: this.#worker(), isPaused: false });
    }
    for (const name of CLIENTS) {
      this.clients.push({ name, program: this.#client(name), isPaused: false });
    }
  }

  #worker(): Program {
    const worker = startWorker(this.#place, this.#port);
    this.started.push(worker);
    return worker;
  }

  #client(language: Language): Program {
    this.#nextSeed += 1;
    const client = startClient(this.#place, language, this.#port, this.#nextSeed);
    this.started.push(client);
    return client;
  }

  /** One thing at random. What ended by itself is started again, as a supervisor would. */
  async act(): Promise<void> {
    const { random, tally } = this;
    this.#replaceEnded();
    const workers = this.workers.filter(({ isPaused }) => !isPaused);
    const worker = workers[random.below(Math.max(1, workers.length))];
    const client = this.clients[random.below(this.clients.length)];
    const kind = random.unit();
    if (kind < 0.3 && worker !== undefined) {
      note(tally, "workers killed");
      worker.program.child.kill("SIGKILL");
      await worker.program.ended;
    } else if (kind < 0.7 && worker !== undefined) {
      note(tally, "workers paused");
      this.#pause(worker, PAUSES_MS[random.below(PAUSES_MS.length)] ?? 0);
    } else if (kind < 0.85 && client !== undefined) {
      note(tally, `${client.name} clients killed`);
      client.program.child.kill("SIGKILL");
      await client.program.ended;
    } else if (this.server.isPaused) return;
    else if (random.unit() < SERVER_KILL_SHARE) await this.#restartServer();
    else {
      note(tally, "server paused");
      this.#pause(this.server, 100 + random.below(2_000));
    }
  }

  /** The next server takes its place at the same port, with what the journal says. */
  async #restartServer(): Promise<void> {
    note(this.tally, "server killed");
    this.server.program.child.kill("SIGKILL");
    await this.server.program.ended;
    const server = startServer(this.#place, this.#port);
    this.started.push(server);
    this.server = { name: "server", program: server, isPaused: false };
    await portOf(server);
  }

  #pause(seat: Seat<string>, durationMs: number): void {
    const { child } = seat.program;
    seat.isPaused = true;
    child.kill("SIGSTOP");
    setTimeout(() => {
      child.kill("SIGCONT");
      seat.isPaused = false;
    }, durationMs);
  }

  #replaceEnded(): void {
    for (const seat of this.workers) {
      if (!hasEnded(seat.program)) continue;
      if (seat.program.child.signalCode === null) note(this.tally, "workers ended by themselves");
      seat.program = this.#worker();
    }
    for (const seat of this.clients) {
      if (!hasEnded(seat.program)) continue;
      this.#settle(seat.program);
      seat.program = this.#client(seat.name);
    }
    expect(hasEnded(this.server.program), "the server lives").toBe(false);
  }

  /** Counts what a client has done; one that was not killed must have ended well. */
  #settle(client: Program): void {
    this.tally.plans += plansOf(client);
    if (client.child.signalCode === "SIGKILL") return;
    expect(client.child.exitCode, `a client failed:\n${client.stdout()}${client.stderr()}`).toBe(0);
  }

  /** Nothing more is done to anybody: all clients end with the plans that they are at. */
  async end(): Promise<void> {
    await until(
      () => [this.server, ...this.workers].every(({ isPaused }) => !isPaused),
      "something is still paused",
    );
    this.#replaceEnded();
    for (const { program } of this.clients) program.child.stdin?.end();
    for (const { program } of this.clients) {
      // Longer than anybody's grace.
      const late = sleep(END_MS).then(() => "late");
      if ((await Promise.race([program.ended, late])) === "late") {
        throw new Error(
          `a client does not end:\n${program.stdout()}${program.stderr()}\n` +
            `the server says:\n${this.server.program.stdout().slice(-4_000)}`,
        );
      }
      this.#settle(program);
    }
  }
}

/** The plans of clients that were killed are kept for a while, as they might come back. */
const GRACE_MS = 90_000;

async function untilAsync(condition: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadlineMs = performance.now() + GRACE_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(otherwise);
    await sleep(100);
  }
}

test(`all results are right whoever dies (seed ${SEED})`, {
  timeout: (SECONDS + 240) * 1_000,
}, async () => {
  process.stderr.write(`chaos for ${SECONDS} s; again: HYPERLOOM_CHAOS_SEED=${SEED}\n`);
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-chaos-"));
  const place = createPlace(directory);
  const server = startServer(place, 0);
  const port = await portOf(server);
  const theater = new Theater(place, server, port);
  try {
    const endMs = performance.now() + SECONDS * 1_000;
    while (performance.now() < endMs) {
      await sleep(400 + theater.random.below(2_000));
      await theater.act();
    }
    await theater.end();
    const { counts, plans } = theater.tally;
    process.stderr.write(`${plans} plans; ${JSON.stringify(Object.fromEntries(counts))}\n`);
    expect(plans).toBeGreaterThan(5);

    {
      await using client = await Client.connect(`127.0.0.1:${port}`);
      await untilAsync(async () => {
        const { tasks, dataObjects } = await client.status();
        const { waiting, ready, assigned, running } = tasks;
        return waiting + ready + assigned + running + dataObjects === 0;
      }, "tasks or objects are left");
    }
    for (const { program } of theater.workers) await program.waitFor(/joined the server/);
    for (const { program } of theater.workers) program.child.kill("SIGTERM");
    for (const { program } of theater.workers) expect((await program.ended).code).toBe(0);
    theater.server.program.child.kill("SIGTERM");
    expect((await theater.server.program.ended).code).toBe(0);
    for (const { mark } of theater.started) {
      await until(() => findMarked(mark).length === 0, `processes are left: ${findMarked(mark)}`);
    }
    // What killed workers left was removed by those that came after them.
    expect(readdirSync(join(directory, "work"))).toEqual([]);
    expect(readdirSync(join(directory, "tmp"))).toEqual([]);
  } finally {
    await Promise.all(theater.started.map((program) => program[Symbol.asyncDispose]()));
    rmSync(directory, { recursive: true, force: true });
  }
});
