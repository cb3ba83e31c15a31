// The smallest pipeline: two constants, a program, a result.
//
//   hyperloom run examples/hello/main.ts
import { Client, tasks } from "hyperloom";

await using client = await Client.connect();
const greeting = tasks.merge([tasks.const("Hello "), tasks.const("world!\n")]);
const future = client.submit(tasks.run(["tr", "a-z", "A-Z"], { stdin: greeting }));
process.stdout.write(await future.gather());
