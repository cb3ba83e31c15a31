const FIRST_PAUSE_MS = 20;
const PAUSE_MS_MAX = 1000;

/**
 * Whether the server can be asked something now.
 *
 *     joining -> live -> away <-> returning -> live ...        any of them -> ended
 */
export type Link = {
  phase: "joining" | "live" | "away" | "returning" | "ended";
  /** For how long it tries to come back; 0: the end of its connection is the end. */
  graceMs: number;
  awaySinceMs: number;
  /** Tries to connect since then. */
  tries: number;
};

export type LinkEvent =
  /** The server has answered the registration. */
  | { readonly kind: "registered"; readonly graceMs: number }
  /** The server has said what it has of what this client has. */
  | { readonly kind: "attached" }
  /** The connection is gone, or could not be made. */
  | { readonly kind: "broken"; readonly atMs: number }
  /** Closed here, or by a server that does not want to see it again. */
  | { readonly kind: "ended" };

/** What is to be done now. */
export type LinkAction =
  | { readonly kind: "none" }
  /** Everything that is not answered can be asked (again). */
  | { readonly kind: "ask-all" }
  /** Say what this client has. */
  | { readonly kind: "tell-held" }
  | { readonly kind: "connect"; readonly afterMs: number; readonly isFirstTry: boolean }
  /** The time is over; `awayMs` is how long it was away. */
  | { readonly kind: "give-up"; readonly awayMs: number };

export const createLink = (): Link => ({ phase: "joining", graceMs: 0, awaySinceMs: 0, tries: 0 });

const NONE: LinkAction = { kind: "none" };

/** Changes the link and says what follows. */
export function stepLink(link: Link, event: LinkEvent): LinkAction {
  if (link.phase === "ended") return NONE;
  switch (event.kind) {
    case "registered":
      if (link.phase === "joining") {
        link.phase = "live";
        link.graceMs = event.graceMs;
        return NONE;
      }
      if (link.phase !== "away") return NONE;
      link.phase = "returning";
      return { kind: "tell-held" };
    case "attached":
      if (link.phase !== "returning") return NONE;
      link.phase = "live";
      link.tries = 0;
      return { kind: "ask-all" };
    case "broken":
      return breakLink(link, event.atMs);
    case "ended":
      link.phase = "ended";
      return NONE;
  }
}

function breakLink(link: Link, atMs: number): LinkAction {
  if (link.phase === "live" || link.phase === "joining") link.awaySinceMs = atMs;
  const awayMs = atMs - link.awaySinceMs;
  if (link.phase === "joining" || awayMs >= link.graceMs) {
    link.phase = "ended";
    return { kind: "give-up", awayMs };
  }
  link.phase = "away";
  const isFirstTry = link.tries === 0;
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** link.tries, PAUSE_MS_MAX);
  link.tries += 1;
  const leftMs = link.graceMs - awayMs;
  return { kind: "connect", afterMs: Math.min(pauseMs, leftMs), isFirstTry };
}
