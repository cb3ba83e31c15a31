import { spawn } from "node:child_process";

/**
 * Kills the runners' process groups when this worker dies without a word: a shell that reads the
 * list of them, a line each time it changes, and acts on the last line when its input ends. A runner
 * that user code keeps busy cannot always see that end itself.
 */
export type Guard = {
  /** The process groups that are to end with this worker. */
  watch(groups: Iterable<number>): void;
  /** Ends the guard; the groups that it still watches are killed. */
  dispose(): void;
};

const SCRIPT = `while read -r line; do groups=$line; done
for group in $groups; do kill -9 "-$group"; done 2>/dev/null`;

export function startGuard(onError: (reason: string) => void): Guard {
  const child = spawn("/bin/sh", ["-c", SCRIPT], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.on("error", ({ message }) => onError(message));
  // A guard that was killed breaks its pipe; the runners also watch their line of life.
  child.stdin.on("error", () => {});
  child.unref();
  return {
    watch: (groups) => void child.stdin.write(`${[...groups].join(" ")}\n`),
    dispose: () => void child.stdin.end(),
  };
}
