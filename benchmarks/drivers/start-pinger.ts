import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { programPath } from "../harness/paths.ts";

/** A process that keeps asking the server; see `pinger.ts`. */
export type Pinger = AsyncDisposable & {
  /** The longest that it has waited for an answer since the last call, in ms. */
  longestMs(): Promise<number>;
};

export async function startPinger(build: string, address: string): Promise<Pinger> {
  const child = spawn(process.execPath, [programPath("pinger"), build, address], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const longestMs = async (): Promise<number> => {
    child.stdin.write("\n");
    return Number((await answers.next()).value);
  };
  // Its first answer says that it is connected.
  await longestMs();
  return {
    longestMs,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}
