import { invalidArgument } from "../errors.ts";

const WORD_PART = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(\s+)/sy;

/**
 * The words of a command line as a POSIX shell would split it: blanks separate, quotes and
 * backslashes protect. There is no shell: variables, wildcards, pipes and redirections are text.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  WORD_PART.lastIndex = 0;
  while (WORD_PART.lastIndex < line.length) {
    const start = WORD_PART.lastIndex;
    const match = WORD_PART.exec(line);
    if (match === null) {
      throw invalidArgument(`No closing quotation in the command at character ${start}: ${line}`);
    }
    const [, single, double, escaped, plain, blank] = match;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + (single ?? plain ?? escaped ?? unescaped(double ?? ""));
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Between double quotes a backslash protects only these four. */
const unescaped = (text: string): string => text.replaceAll(/\\(["\\$`])/g, "$1");
