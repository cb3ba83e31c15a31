import { durationText } from "../../../core/base/units.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import type { ProgramEnd, ProgramStart } from "../../launcher/program.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";

export type ProgramLimits = {
  /** Wall time, from its start; undefined: none. */
  readonly timeLimitMs: number | undefined;
  /** From SIGTERM until SIGKILL; 0: SIGKILL at once. */
  readonly killGraceMs: number;
  /** What its processes may use together; undefined: what it needs. */
  readonly memoryBytes: number | undefined;
  readonly watch: ProcessWatch;
  /** The program is to end. */
  readonly signal: AbortSignal;
  /** And is given no time for it. */
  readonly hurry: AbortSignal;
};

/** The story says what the limit was, what the program was sent, and how it took that. */
export type LimitedEnd =
  | ProgramEnd
  | { readonly kind: "timed-out"; readonly story: string; readonly signal: string | undefined }
  | { readonly kind: "out-of-memory"; readonly story: string };

const SYSTEM_STORY = "the system ended it by SIGKILL, since the memory of the machine ran out";

/** The longest that a timer of Node can wait: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Runs a program until it ends, its time is over, or it is stopped: SIGTERM, and SIGKILL after the grace. */
export async function runLimited(
  launcher: Launcher,
  program: ProgramStart,
  { timeLimitMs, killGraceMs, memoryBytes, watch, signal, hurry }: ProgramLimits,
): Promise<LimitedEnd> {
  const startMs = performance.now();
  let isLate = false;
  let askedAtMs: number | undefined;
  let isKilled = false;
  let graceTimer: NodeJS.Timeout | undefined;
  let memoryStory: string | undefined;

  const kill = (): void => {
    isKilled = true;
    launcher.kill(program.runId);
  };
  const watched = watch.add({
    directory: program.cwd,
    requestBytes: memoryBytes,
    kill: (why) => {
      memoryStory = why;
      kill();
    },
  });
  const end = (): void => {
    if (hurry.aborted || killGraceMs === 0) kill();
    else if (askedAtMs === undefined) {
      askedAtMs = performance.now();
      launcher.kill(program.runId, "SIGTERM");
      graceTimer = setTimeout(kill, Math.min(killGraceMs, TIMER_MS_MAX));
    }
  };
  const limitTimer =
    timeLimitMs === undefined || timeLimitMs > TIMER_MS_MAX
      ? undefined
      : setTimeout(() => {
          isLate = true;
          end();
        }, timeLimitMs);
  signal.addEventListener("abort", end, { once: true });
  hurry.addEventListener("abort", kill, { once: true });
  try {
    const ended = await launcher.start(program);
    if (ended.kind !== "exited" && ended.kind !== "signaled") return ended;
    if (!isLate) {
      if (ended.kind === "exited") return ended;
      if (memoryStory !== undefined) return { kind: "out-of-memory", story: memoryStory };
      const isSystems = ended.signal === "SIGKILL" && !signal.aborted && watched.wasMemoryShort();
      return isSystems ? { kind: "out-of-memory", story: SYSTEM_STORY } : ended;
    }
    // Also one that exits with status 0 now: it may have been asked in the middle of its work.
    const sent = storyOf(askedAtMs, isKilled, killGraceMs);
    const wall = durationText(performance.now() - startMs);
    return {
      kind: "timed-out",
      story: `Program exceeded its time limit of ${timeLimitMs} ms: ${sent}. It ran for ${wall}`,
      signal: ended.kind === "signaled" ? ended.signal : undefined,
    };
  } finally {
    watched.remove();
    clearTimeout(limitTimer);
    clearTimeout(graceTimer);
    signal.removeEventListener("abort", end);
    hurry.removeEventListener("abort", kill);
  }
}

function storyOf(askedAtMs: number | undefined, isKilled: boolean, graceMs: number): string {
  if (askedAtMs === undefined) return "it was sent SIGKILL";
  const tookMs = performance.now() - askedAtMs;
  if (!isKilled) return `it was sent SIGTERM, and ended ${durationText(tookMs)} later`;
  if (tookMs < graceMs) return "it was sent SIGTERM, and then SIGKILL, since it was stopped too";
  return `it was sent SIGTERM, and SIGKILL ${durationText(graceMs)} later`;
}
