// A pipeline with task types of its own, on a cluster whose workers have loaded them.
//
//   hyperloom run --load examples/extension/count-words.ts examples/extension/main.ts
import { Client, tasks } from "hyperloom";

const text = tasks.run(["cat"], {
  stdin: tasks.const("To be, or not to be, that is the question"),
});
const count = tasks.custom("text/count-words", { inputs: [text, tasks.const("Hamlet")] });
const long = tasks.custom<Buffer[]>("text/long-words", { inputs: [text], config: "5" });

await using client = await Client.connect();
const [words, longest] = await client.gather(client.submit([count, tasks.get(long, 0)]));
process.stdout.write(`${words} words; the first long one is '${longest}'\n`);
