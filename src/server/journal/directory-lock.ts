import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, readFile, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HyperloomError } from "../../core/model/errors.ts";

/** How often the lock is written anew, so that other machines see that its server lives. */
const BEAT_MS = 2_000;
/** A lock of another machine that was not written for so long is nobody's. */
const SILENT_MS = 10_000;

/** Longer than any holder's text, and one block of a disk. */
const TEXT_LENGTH = 511;

/** One server at a time has a journal. */
export type JournalLock = AsyncDisposable;

type Holder = {
  readonly token: string;
  readonly host: string;
  readonly pid: number;
  /** Tells the process from a later one with its number; empty where the system does not say. */
  readonly started: string;
  readonly beat: number;
};

/**
 * Takes the directory's lock. A file, because a journal may lie where several machines see it. Rejects
 * with a HyperloomError that names the server that has it. `onLost` is called when another server
 * took it, after this one had been silent for long.
 */
export async function lockJournal(directory: string, onLost: () => void): Promise<JournalLock> {
  const path = join(directory, "lock");
  const own: Holder = {
    token: randomUUID(),
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid) ?? "",
    beat: 0,
  };
  for (let tries = 0; !(await create(path, own)); tries += 1) {
    const holder = await readHolder(path);
    if (holder === undefined) continue;
    if (tries > 3 || (await isAlive(path, holder))) {
      throw new HyperloomError(
        "journal-unusable",
        `The journal in ${directory} is in use by the server with process ${holder.pid} on ${holder.host}. Stop that one, or name another directory by --journal.`,
      );
    }
    await unlink(path).catch(ignoreMissing);
  }
  // Two that found the same dead server may both have come this far: the last one has it.
  await delay(20);
  if ((await readHolder(path))?.token !== own.token) {
    throw new HyperloomError(
      "journal-unusable",
      `Another server has just taken the journal in ${directory}.`,
    );
  }
  return keep(path, own, onLost);
}

function keep(path: string, own: Holder, onLost: () => void): JournalLock {
  let beat = 0;
  let isLost = false;
  let isBeating = false;
  let beating = Promise.resolve();
  const nextBeat = async (): Promise<void> => {
    const holder = await readHolder(path).catch(() => own);
    if (holder !== undefined && holder.token !== own.token && holder.token !== "") {
      isLost = true;
      clearInterval(timer);
      onLost();
      return;
    }
    beat += 1;
    // A full disk takes no beat, and is no reason to end.
    await overwrite(path, { ...own, beat }).catch(() => {});
  };
  const timer = setInterval(() => {
    if (isBeating) return;
    isBeating = true;
    beating = nextBeat().finally(() => {
      isBeating = false;
    });
  }, BEAT_MS);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await beating;
      if (!isLost) await unlink(path).catch(ignoreMissing);
    },
  };
}

async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(textOf(holder));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** In place, and always as long: whoever reads meanwhile finds a whole text. */
async function overwrite(path: string, holder: Holder): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(textOf(holder), 0);
  } finally {
    await file.close();
  }
}

const textOf = (holder: Holder): string => `${JSON.stringify(holder).padEnd(TEXT_LENGTH)}\n`;

/** Undefined when it is gone; one that is being written, or is torn, is nobody's. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const nobody: Holder = { token: "", host: "", pid: 0, started: "", beat: 0 };
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" && value !== null ? { ...nobody, ...value } : nobody;
  } catch (error) {
    if (error instanceof SyntaxError) return nobody;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function isAlive(path: string, holder: Holder): Promise<boolean> {
  if (holder.host === hostname()) {
    const started = startOf(holder.pid);
    return started !== undefined && started === holder.started;
  }
  const deadlineMs = performance.now() + SILENT_MS;
  while (performance.now() < deadlineMs) {
    await delay(BEAT_MS / 4);
    const now = await readHolder(path);
    if (now === undefined) return false;
    if (now.token !== holder.token || now.beat !== holder.beat) return true;
  }
  return false;
}

/** When the process began, in the system's own words; empty where it only says that it is there; undefined for none. */
function startOf(pid: number): string | undefined {
  if (pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
  }
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name may hold anything, also brackets; the last one closes it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : (fields[19] ?? "");
  } catch {
    return "";
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
