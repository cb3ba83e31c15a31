import { readFileSync } from "node:fs";

/** What the kernel says of users that this namespace has no number for. */
const OVERFLOW_PATH = "/proc/sys/kernel/overflowuid";
const UID_MAP_PATH = "/proc/self/uid_map";
const ALL_UIDS = "4294967295";

/** This process's own user; undefined where users have no numbers. */
export const ownUid = (): number | undefined => process.getuid?.();

/** Whether code and data of this user are as good as our own: its own user and root can do all that we can. */
export function isTrustedUser(uid: number): boolean {
  if (uid === 0) return true;
  return uid === ownUid() && !mayBeAnybody(uid);
}

/** In a user namespace, all users from outside of it may be shown as this one. */
function mayBeAnybody(uid: number): boolean {
  try {
    if (Number(readFileSync(OVERFLOW_PATH, "latin1")) !== uid) return false;
    const fields = readFileSync(UID_MAP_PATH, "latin1").trim().split(/\s+/);
    return fields[0] !== "0" || fields[2] !== ALL_UIDS;
  } catch {
    return false; // no such files, so no such namespaces
  }
}
