import { expect, test } from "vitest";
import { splitWords } from "../../src/client/tasks/split-words.ts";

test.each<[string, string[]]>([
  ["", []],
  ["  ", []],
  ["sort -u", ["sort", "-u"]],
  [" a\tb\nc ", ["a", "b", "c"]],
  ["awk '{ print $1 }' file", ["awk", "{ print $1 }", "file"]],
  ['a "b \\" c" d', ["a", 'b " c', "d"]],
  ['"a\\nb"', ["a\\nb"]],
  ["a\\ b", ["a b"]],
  ["--x='a b'c", ["--x=a bc"]],
  ["'' \"\"", ["", ""]],
  ["a | b > c $X *", ["a", "|", "b", ">", "c", "$X", "*"]],
  ["a'\n'b", ["a\nb"]],
])("splits %j as a shell would", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test.each(["'a", '"a', "a\\", 'a "b\\"'])("refuses %j, which is not closed", (line) => {
  expect(() => splitWords(line)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});
