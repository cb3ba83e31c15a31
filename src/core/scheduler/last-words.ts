import type { SchedulerCommand } from "./commands.ts";
import type { ClientRecord, SchedulerState } from "./state.ts";

/** What a client is told of a plan that failed or was refused, and must not miss. */
export type LastWord = Extract<SchedulerCommand, { kind: "notify-failed" | "refuse" }>;

/** Of one client; far more than fail while it is away, few enough to keep. */
const WORDS_MAX = 256;
const CHARACTERS_MAX = 1024 * 1024;

/** What clients that may come back were told of failures: the state itself forgets a plan that failed. */
export type LastWords = { words: LastWord[]; characters: number };

export const createLastWords = (): LastWords => ({ words: [], characters: 0 });

/** Keeps what of a step's commands is to be told again to a client that missed it. */
export function keepLastWords(state: SchedulerState, commands: readonly SchedulerCommand[]): void {
  for (const command of commands) {
    if (command.kind !== "notify-failed" && command.kind !== "refuse") continue;
    if (command.kind === "refuse" ? command.planIdBase === undefined : command.isAgain) continue;
    const client = state.clients.get(command.clientId);
    if (client !== undefined && client.life !== "connection") addLastWord(client, command);
  }
}

/** The oldest make room. */
export function addLastWord({ lastWords }: ClientRecord, word: LastWord): void {
  lastWords.words.push(word);
  lastWords.characters += charactersOf(word);
  while (lastWords.words.length > WORDS_MAX || lastWords.characters > CHARACTERS_MAX) {
    const oldest = lastWords.words.shift();
    if (oldest === undefined) return;
    lastWords.characters -= charactersOf(oldest);
  }
}

/** The task, or the first one of the plan, that it is about. */
export const taskOfWord = (word: LastWord): number =>
  word.kind === "refuse" ? (word.planIdBase ?? 0) : word.clientTask;

function charactersOf(word: LastWord): number {
  if (word.kind === "refuse") return word.message.length;
  return word.failure.message.length + (word.failure.stderr?.length ?? 0);
}
