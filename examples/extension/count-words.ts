// Task types of our own: what a worker runs for `tasks.custom("text/...")`.
//
//   loom-worker --load examples/extension/count-words.ts SERVER PORT
import { defineTaskType } from "hyperloom/worker";

/** How many words there are in all inputs, as text. Streams, so inputs may be larger than memory. */
export const countWords = defineTaskType("text/count-words", async ({ inputs, signal }) => {
  let words = 0;
  for (const input of inputs) {
    const decoder = new TextDecoder();
    let isInWord = false;
    for await (const chunk of input.chunks()) {
      signal.throwIfAborted();
      for (const character of decoder.decode(chunk, { stream: true })) {
        const isSpace = /\s/.test(character);
        if (isInWord && isSpace) words++;
        isInWord = !isSpace;
      }
    }
    if (isInWord) words++;
  }
  return String(words);
});

/** An array of the words of the input, each at least as long as the config says. */
export const longWords = defineTaskType("text/long-words", async ({ inputs, config }) => {
  const lengthMin = Number(new TextDecoder().decode(config) || "1");
  const [input] = inputs;
  if (input === undefined) throw new Error("text/long-words takes one input");
  const words = (await input.text()).match(/\S+/g) ?? [];
  return words.filter((word) => word.length >= lengthMin);
});
