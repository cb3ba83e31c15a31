import { describe, expect, test } from "vitest";
import { type Upload, type UploadDecision, Uploads } from "../../../src/core/worker/uploads.ts";

type Ask = Upload<number> & { readonly at: number };

/** A cluster in which everybody serves; time is counted in uploads that run side by side. */
function simulate(pullers: number, max: number): { rounds: number; mostServed: number } {
  const workers = Array.from({ length: pullers + 1 }, () => new Uploads<number, Ask>(max));
  const served = new Array<number>(pullers + 1).fill(0);
  const has = new Set<number>([0]);
  let active: Ask[] = [];
  const follow = (decisions: readonly (UploadDecision<number, Ask> | undefined)[]): void => {
    for (const decision of decisions) {
      if (decision?.kind === "start") active.push(decision.upload);
      else if (decision !== undefined) ask({ ...decision.upload, at: decision.to });
    }
  };
  const ask = (upload: Ask): void => {
    expect(has).toContain(upload.at);
    follow([workers[upload.at]?.ask(upload)]);
  };
  for (let puller = 1; puller <= pullers; puller++) {
    ask({ key: "x", puller, mayRedirect: true, hasComeBack: false, at: 0 });
  }
  let rounds = 0;
  while (active.length > 0) {
    rounds += 1;
    const ended = active;
    active = [];
    for (const upload of ended) {
      has.add(upload.puller ?? 0);
      served[upload.at] = (served[upload.at] ?? 0) + 1;
      follow(workers[upload.at]?.end(upload, true) ?? []);
    }
  }
  expect(has.size).toBe(pullers + 1);
  expect(workers.map((worker) => worker.activeCount)).toEqual(new Array(pullers + 1).fill(0));
  return { rounds, mostServed: Math.max(...served) };
}

describe("a popular object", () => {
  test.each([
    [1, 1],
    [7, 4],
    [200, 10],
    [1000, 13],
  ])("%i pullers have it after few rounds of two uploads a worker", (pullers, roundsMax) => {
    const { rounds, mostServed } = simulate(pullers, 2);
    expect(rounds).toBeLessThanOrEqual(roundsMax);
    expect(mostServed).toBeLessThanOrEqual(2 * roundsMax);
  });
});

describe("Uploads", () => {
  const ask = (key: string, puller: number | undefined, mayRedirect = true): Upload<number> => ({
    key,
    puller,
    mayRedirect,
    hasComeBack: false,
  });

  test("objects take turns", () => {
    const uploads = new Uploads<number>(1);
    const [a1, a2, b1] = [ask("a", 1, false), ask("a", 2, false), ask("b", 3)];
    const a0 = ask("a", 0, false);
    expect([a0, a1, a2, b1].map((upload) => uploads.ask(upload)?.kind)).toEqual([
      "start",
      undefined,
      undefined,
      undefined,
    ]);
    expect(uploads.end(a0, true)).toEqual([{ kind: "start", upload: a1 }]);
    expect(uploads.end(a1, true)).toEqual([{ kind: "start", upload: b1 }]);
    expect(uploads.end(b1, true)).toEqual([{ kind: "start", upload: a2 }]);
    expect(uploads.end(a2, true)).toEqual([]);
  });

  test("who came later is sent to the copies in turns, unless it may not be", () => {
    const uploads = new Uploads<number>(1);
    const first = ask("a", 1);
    const second = ask("a", 2);
    uploads.ask(first);
    uploads.end(first, true);
    uploads.ask(second);
    uploads.end(second, true);
    uploads.ask(ask("b", 3));
    const sentTo = [4, 5, 6].map((puller) => {
      const decision = uploads.ask(ask("a", puller));
      return decision?.kind === "redirect" ? decision.to : undefined;
    });
    expect(new Set(sentTo)).toEqual(new Set([1, 2]));
    expect(uploads.ask(ask("a", 7, false))).toBeUndefined();
  });

  test("nobody is sent to a copy that did not become complete, or to the server", () => {
    const uploads = new Uploads<number>(1);
    const broken = ask("a", 1);
    const server = ask("a", undefined);
    uploads.ask(broken);
    expect(uploads.ask(server)).toBeUndefined();
    expect(uploads.end(broken, false)).toEqual([{ kind: "start", upload: server }]);
    const next = ask("a", 2);
    expect(uploads.ask(next)).toBeUndefined();
    expect(uploads.end(server, true)).toEqual([{ kind: "start", upload: next }]);
    expect(uploads.end(next, false)).toEqual([]);
    expect(uploads.lineCount).toBe(0);
  });

  test("who leaves has no turn, and a dropped object leaves nothing", () => {
    const uploads = new Uploads<number>(1);
    const first = ask("a", 1);
    const second = ask("a", 2);
    uploads.ask(first);
    uploads.ask(second);
    uploads.leave(second);
    expect(uploads.end(first, true)).toEqual([]);
    uploads.forget("a");
    expect([uploads.lineCount, uploads.activeCount]).toEqual([0, 0]);
  });
});
