import { bytesText } from "../../core/base/units.ts";
import { countOomKills, type ProcessView, systemProcesses } from "./process-memory.ts";

/** How often processes are looked at while there are some; what ends sooner is never looked at. */
const LOOK_MS = 100;
const LOOK_MS_MAX = 1000;
/** About the most that a process can fill in a millisecond. */
const BYTES_PER_MS_MAX = 4 * 1024 * 1024;
/** A look that takes its time comes less often: it is to cost little of a cpu. */
const LOOK_SHARE_MAX = 0.05;

/** What a process tree is found by, and what it may use. */
export type WatchOptions = {
  /** Of its first process, where that is known. */
  readonly pid?: number | undefined;
  /** Its own: who works there, or writes to a file in it, belongs to it. Without symbolic links. */
  readonly directory?: string;
  /** What its task asked for; undefined for one that did not. */
  readonly requestBytes?: number | undefined;
  /** Ends it; called once, with a sentence. */
  readonly kill: (story: string) => void;
};

/** A process tree that is watched. */
export type Watched = {
  /** Processes of the system's choice were ended since it is watched, because memory ran out. */
  wasMemoryShort(): boolean;
  /** It has ended. */
  remove(): void;
};

export type ProcessWatch = {
  add(options: WatchOptions): Watched;
  stop(): void;
};

type Tree = WatchOptions & {
  usedBytes: number;
  isKilled: boolean;
  readonly oomKills: number;
  readonly sinceMs: number;
};

/**
 * Measures the process trees of programs and runners, and ends those that use more than they asked
 * for; and when all together use more than the worker has, the one that uses most beyond its request.
 *
 * A process belongs to the tree of its parent, of its session, or of the directory that it uses; so it
 * does after its parent has ended. Each is looked up once, when it is first seen.
 *
 * @param limitBytes of the worker
 * @param onMeasured hears what all use together
 */
export function createProcessWatch(
  limitBytes: number,
  onMeasured: (usedBytes: number) => void,
  view: ProcessView = systemProcesses,
): ProcessWatch {
  const trees = new Set<Tree>();
  /** Of each process seen at the last look; undefined for others' processes. */
  let owners = new Map<number, Tree | undefined>();
  let timer: NodeJS.Timeout | undefined;
  let oomKills: number | undefined;

  const findOwner = (pid: number): Tree | undefined => {
    for (const tree of trees) if (tree.pid === pid) return tree;
    const seen = view.find(pid);
    if (seen === undefined) return undefined;
    const known = owners.get(seen.parentPid) ?? owners.get(seen.sessionId);
    if (known !== undefined) return trees.has(known) ? known : undefined;
    const paths = view.paths(pid);
    for (const tree of trees) {
      const { directory } = tree;
      if (directory === undefined) continue;
      if (paths.some((path) => path === directory || path.startsWith(`${directory}/`))) return tree;
    }
    return undefined;
  };

  const measure = (): void => {
    const before = owners;
    // Filled while they are looked up: parents mostly have lower pids.
    owners = new Map();
    for (const tree of trees) tree.usedBytes = 0;
    for (const pid of view.list()) {
      const owner = before.has(pid) ? before.get(pid) : findOwner(pid);
      owners.set(pid, owner);
      if (owner !== undefined && trees.has(owner)) owner.usedBytes += view.residentBytes(pid);
    }
  };

  /** What the tree uses if what its processes share counts once. */
  const proportionalBytes = (tree: Tree): number => {
    let usedBytes = 0;
    for (const [pid, owner] of owners) {
      if (owner === tree) usedBytes += view.proportionalBytes(pid);
    }
    return usedBytes;
  };

  const kill = (tree: Tree, story: string): void => {
    tree.isKilled = true;
    tree.kill(story);
  };

  const endExcessive = (): void => {
    for (const tree of trees) {
      const { requestBytes } = tree;
      if (tree.isKilled || requestBytes === undefined || tree.usedBytes <= requestBytes) continue;
      tree.usedBytes = proportionalBytes(tree);
      if (tree.usedBytes > requestBytes) kill(tree, requestStory(tree.usedBytes, requestBytes));
    }
    let totalBytes = sumOf(trees);
    if (totalBytes > limitBytes) {
      for (const tree of trees) tree.usedBytes = proportionalBytes(tree);
      totalBytes = sumOf(trees);
    }
    if (totalBytes <= limitBytes) return;
    let worst: Tree | undefined;
    for (const tree of trees) {
      if (!tree.isKilled && (worst === undefined || excessOf(tree) > excessOf(worst))) worst = tree;
    }
    if (worst !== undefined) kill(worst, limitStory(worst.usedBytes, totalBytes, limitBytes));
  };

  const look = (): void => {
    timer = undefined;
    const startMs = performance.now();
    // In the order of their beginning: short programs, one after another, cost nothing.
    const [oldest] = trees;
    if (oldest === undefined) return;
    if (startMs - oldest.sinceMs < LOOK_MS) {
      start(LOOK_MS);
      return;
    }
    measure();
    oomKills = countOomKills();
    endExcessive();
    onMeasured(sumOf(trees));
    const tookMs = performance.now() - startMs;
    if (trees.size > 0) start(Math.max(nextMs(), tookMs / LOOK_SHARE_MAX));
  };

  /** When one of them could be over its bound. */
  const nextMs = (): number => {
    let leftBytes = limitBytes - sumOf(trees);
    for (const { requestBytes = limitBytes, usedBytes } of trees) {
      leftBytes = Math.min(leftBytes, requestBytes - usedBytes);
    }
    return Math.min(Math.max(leftBytes / BYTES_PER_MS_MAX, LOOK_MS), LOOK_MS_MAX);
  };

  const start = (delayMs: number): void => {
    timer ??= setTimeout(look, delayMs).unref();
  };

  return {
    add(options) {
      oomKills ??= countOomKills();
      const sinceMs = performance.now();
      const tree: Tree = { ...options, usedBytes: 0, isKilled: false, oomKills, sinceMs };
      trees.add(tree);
      start(LOOK_MS);
      return {
        wasMemoryShort: () => countOomKills() > tree.oomKills,
        remove: () => {
          trees.delete(tree);
          if (tree.usedBytes > 0) onMeasured(sumOf(trees));
        },
      };
    },
    stop: () => clearTimeout(timer),
  };
}

function sumOf(trees: Iterable<Tree>): number {
  let sum = 0;
  for (const { usedBytes } of trees) sum += usedBytes;
  return sum;
}

const excessOf = ({ usedBytes, requestBytes = 0 }: Tree): number => usedBytes - requestBytes;

function requestStory(usedBytes: number, requestBytes: number): string {
  return `it used ${bytesText(usedBytes)} of memory, and its task asked for ${bytesText(requestBytes)}; ask for more by resources.memory`;
}

function limitStory(usedBytes: number, totalBytes: number, limitBytes: number): string {
  return `programs and functions used ${bytesText(totalBytes)} together, and the worker has ${bytesText(limitBytes)} (--memory); this one used the most that was not asked for, ${bytesText(usedBytes)}. What asks for its memory by resources.memory runs beside less`;
}
