import { spawnSync } from "node:child_process";
import { Unavailable } from "./cases.ts";

/** Two network namespaces with a virtual cable between them: two hosts, as far as sockets can tell. */
export type Namespaces = Disposable & {
  readonly left: { readonly host: string; readonly prefix: readonly string[] };
  readonly right: { readonly host: string; readonly prefix: readonly string[] };
};

const LEFT_HOST = "10.231.7.1";
const RIGHT_HOST = "10.231.7.2";

/** Makes them; throws Unavailable where that is not allowed. Disposal removes them. */
export function createNamespaces(): Namespaces {
  const left = `hyperloom-l-${process.pid}`;
  const right = `hyperloom-r-${process.pid}`;
  // Names of interfaces have at most 15 characters.
  const [leftEnd, rightEnd] = [`hl${process.pid}l`, `hl${process.pid}r`];
  const remove = (): void => {
    for (const name of [left, right]) spawnSync("ip", ["netns", "delete", name]);
  };
  const ip = (command: string): void => {
    const { status, stderr } = spawnSync("ip", command.split(" "), { encoding: "utf8" });
    if (status === 0) return;
    remove();
    throw new Unavailable(`no network namespaces here (ip ${command}: ${stderr ?? "no ip"})`);
  };
  ip(`netns add ${left}`);
  ip(`netns add ${right}`);
  ip(`link add ${leftEnd} netns ${left} type veth peer name ${rightEnd} netns ${right}`);
  for (const [name, end, host] of [
    [left, leftEnd, LEFT_HOST],
    [right, rightEnd, RIGHT_HOST],
  ]) {
    ip(`-n ${name} address add ${host}/24 dev ${end}`);
    ip(`-n ${name} link set ${end} up`);
    ip(`-n ${name} link set lo up`);
  }
  const prefixOf = (name: string): string[] => ["ip", "netns", "exec", name];
  return {
    left: { host: LEFT_HOST, prefix: prefixOf(left) },
    right: { host: RIGHT_HOST, prefix: prefixOf(right) },
    [Symbol.dispose]: remove,
  };
}
