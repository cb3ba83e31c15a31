import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCluster } from "../../system/processes/cluster.ts";
import { expectSamePicture, LANGUAGES, PYTHON, ROOT, runExample } from "./run-example.ts";

type Flight = { delay: number; distance: number; time: number };
type Report = {
  cells: { quarter: number; band: number; flights: number; late: number }[];
  quarters: { quarter: number; flights: number; delayMinP50: number; delayMinP90: number }[];
};

/** The same from the same file, by nothing but JavaScript. */
function computeIndependently(): Report {
  const path = join(ROOT, "node_modules/vega-datasets/data/flights-200k.json");
  const flights = JSON.parse(readFileSync(path, "utf8")) as Flight[];
  const cells: Report["cells"] = [];
  const quarters: Report["quarters"] = [];
  for (let quarter = 0; quarter < 96; quarter++) {
    const leaving = flights.filter(({ time }) => Math.floor(time * 4) === quarter);
    for (let band = 0; band < 22; band++) {
      const isLast = band === 21;
      const there = leaving.filter(
        ({ distance }) => distance >= band * 125 && (isLast || distance < (band + 1) * 125),
      );
      const late = there.filter(({ delay }) => delay > 15).length;
      if (there.length > 0) cells.push({ quarter, band, flights: there.length, late });
    }
    const delays = leaving.map(({ delay }) => delay).sort((a, b) => a - b);
    // The smallest delay that at least this share of the flights does not exceed.
    const quantile = (share: number): number =>
      delays.find((_, i) => (i + 1) / delays.length >= share) ?? Number.NaN;
    if (delays.length > 0) {
      const [delayMinP50, delayMinP90] = [quantile(0.5), quantile(0.9)];
      quarters.push({ quarter, flights: delays.length, delayMinP50, delayMinP90 });
    }
  }
  return { cells, quarters };
}

describe("the dial of flights", { timeout: 120_000 }, () => {
  let output = "";
  let expected: Report;
  beforeAll(() => {
    output = mkdtempSync(join(tmpdir(), "hyperloom-clock-"));
    expected = computeIndependently();
  });
  afterAll(() => rmSync(output, { recursive: true, force: true }));

  const directory = (language: string): string => join(output, language);
  const read = (language: string, name: string): string =>
    readFileSync(join(directory(language), name), "utf8");

  test.each(LANGUAGES)("in %s counts what an independent computation counts", async (language) => {
    const said = await runExample("flight-clock", language, ["--output", directory(language)]);
    expect(JSON.parse(read(language, "flight-clock.json"))).toEqual(expected);
    const late = expected.cells.reduce((sum, cell) => sum + cell.late, 0);
    expect(said).toContain(`200,000 flights, ${(late / 2_000).toFixed(1)} % more than`);
    expect(said).toMatch(/06:00 +2386 +-3 +13\n/);
    expect(said).toContain("from 48 pieces");
  });

  test("the same picture comes of both languages", () => {
    const chart = read("TypeScript", "flight-clock.svg");
    expectSamePicture(read("Python", "flight-clock.svg"), chart);
    expect(chart).toMatch(/^<svg /);
    expect(chart).not.toMatch(/NaN|undefined|None/);
    // Its dots, five rings, the sky, and the four dots that explain the sizes.
    expect(chart.match(/<circle/g)?.length).toBe(expected.cells.length + 10);
  });

  test("any number of pieces gives the same, on a server that is named", async () => {
    await using cluster = await startCluster({ workers: 2, workerArgs: ["--python", PYTHON] });
    const { address } = cluster;
    for (const [language, pieces] of [["TypeScript", 1] as const, ["Python", 7] as const]) {
      const args = ["--pieces", String(pieces), "--output", directory(language)];
      await runExample("flight-clock", language, args, address);
      expect(JSON.parse(read(language, "flight-clock.json"))).toEqual(expected);
    }
  });
});
