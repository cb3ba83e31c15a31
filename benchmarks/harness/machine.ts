import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { ROOT } from "./paths.ts";

/** Where something was measured. */
export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
};

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
}

function git(directory: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: directory, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The commit of a checkout, with "+" if files of it were changed since. */
export function describeCommit(directory: string = ROOT): string {
  const commit = git(directory, "rev-parse", "--short", "HEAD");
  if (commit === undefined) return "unknown";
  return git(directory, "status", "--porcelain", "--", "src", "launcher", "python") === ""
    ? commit
    : `${commit}+`;
}
