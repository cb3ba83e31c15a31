import { describe, expect, test } from "vitest";
import { createLink, type Link, type LinkEvent, stepLink } from "../../src/client/session/link.ts";

function linkAfter(...events: LinkEvent[]): Link {
  const link = createLink();
  for (const event of events) stepLink(link, event);
  return link;
}

const registered: LinkEvent = { kind: "registered", graceMs: 30_000 };
const attached: LinkEvent = { kind: "attached" };
const brokenAt = (atMs: number): LinkEvent => ({ kind: "broken", atMs });

describe("a client's link to its server", () => {
  test("is the end where the server gave no session", () => {
    const link = linkAfter({ kind: "registered", graceMs: 0 });
    expect(stepLink(link, brokenAt(5))).toEqual({ kind: "give-up", awayMs: 0 });
    expect(link.phase).toBe("ended");
  });

  test("is the end where the registration was never answered", () => {
    expect(stepLink(createLink(), brokenAt(5))).toMatchObject({ kind: "give-up" });
  });

  test("says what it has when it is back, and asks all again once that was heard", () => {
    const link = linkAfter(registered);
    expect(stepLink(link, brokenAt(5))).toMatchObject({ kind: "connect", isFirstTry: true });
    expect(stepLink(link, registered)).toEqual({ kind: "tell-held" });
    expect(link.phase).toBe("returning");
    expect(stepLink(link, attached)).toEqual({ kind: "ask-all" });
    expect(link.phase).toBe("live");
    expect(stepLink(link, brokenAt(9))).toMatchObject({ kind: "connect", isFirstTry: true });
  });

  test("waits longer after each try, and never beyond its time", () => {
    const link = linkAfter(registered, brokenAt(1000));
    const pauses: number[] = [];
    for (const atMs of [1020, 1060, 1140, 5_000, 10_000, 20_000, 25_000, 30_900]) {
      const action = stepLink(link, brokenAt(atMs));
      pauses.push(action.kind === "connect" ? action.afterMs : -1);
    }
    expect(pauses).toEqual([40, 80, 160, 320, 640, 1000, 1000, 100]);
    expect(stepLink(link, brokenAt(31_000))).toEqual({ kind: "give-up", awayMs: 30_000 });
  });

  test("counts its time from the first break until it is live again", () => {
    const link = linkAfter(registered, brokenAt(1000), registered);
    // It had come through, and was cut off before it was heard.
    expect(stepLink(link, brokenAt(31_000))).toMatchObject({ kind: "give-up" });
    const other = linkAfter(registered, brokenAt(1000), registered, attached);
    expect(stepLink(other, brokenAt(31_000))).toMatchObject({ kind: "connect" });
  });

  test("does nothing any more after its end", () => {
    const link = linkAfter(registered, { kind: "ended" });
    for (const event of [registered, attached, brokenAt(1)]) {
      expect(stepLink(link, event)).toEqual({ kind: "none" });
    }
  });
});
