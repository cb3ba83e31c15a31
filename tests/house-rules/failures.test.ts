import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** The rows of the tables: the last cell names a file of tests and, after a colon, one of its titles. */
const rows = readFileSync(join(ROOT, "docs/failures.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| what happens"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));

test("every row of docs/failures.md says four things", () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((cells) => cells.length !== 4 || cells.includes(""))).toEqual([]);
});

test.each(rows)("%s: the test that shows it exists", (...cells) => {
  const [, path = "", title = ""] = /^`([^`]+)`(?:: (.*))?$/.exec(cells.at(-1) ?? "") ?? [];
  const file = path.startsWith("python/") ? path : join("tests", path);
  expect(existsSync(join(ROOT, file)), `${file} does not exist`).toBe(true);
  expect(readFileSync(join(ROOT, file), "utf8")).toContain(title);
});
