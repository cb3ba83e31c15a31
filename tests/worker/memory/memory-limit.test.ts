import { expect, test } from "vitest";
import {
  findGroupLimit,
  findMemoryLimit,
  type ReadFile,
} from "../../../src/worker/memory/memory-limit.ts";

const GIB = 1024 ** 3;

const files =
  (found: Readonly<Record<string, string>>): ReadFile =>
  (path) =>
    found[path];

test("version 2: the least limit of the group and of those above it", () => {
  const read = files({
    "/proc/self/cgroup": "0::/user.slice/job\n",
    "/sys/fs/cgroup/user.slice/job/memory.max": "max\n",
    "/sys/fs/cgroup/user.slice/job/memory.high": `${8 * GIB}\n`,
    "/sys/fs/cgroup/user.slice/memory.max": `${6 * GIB}\n`,
  });
  expect(findGroupLimit(read)).toBe(6 * GIB);
});

test("version 1, also where the path is one of the host", () => {
  const noLimit = "9223372036854771712";
  const own = files({
    "/proc/self/cgroup": "4:memory:/docker/abc\n1:cpu:/\n0::/\n",
    "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": `${2 * GIB}\n`,
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${noLimit}\n`,
  });
  expect(findGroupLimit(own)).toBe(2 * GIB);
  const inside = files({
    "/proc/self/cgroup": "4:cpu,memory:/docker/abc\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${3 * GIB}\n`,
  });
  expect(findGroupLimit(inside)).toBe(3 * GIB);
});

test("no control groups, or none with a limit", () => {
  expect(findGroupLimit(files({}))).toBe(undefined);
  expect(findGroupLimit(files({ "/proc/self/cgroup": "0::/\n" }))).toBe(undefined);
});

test("the option, else the group, else the machine, shared out", () => {
  const read = files({
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.max": `${10 * GIB}`,
  });
  expect(findMemoryLimit({ optionBytes: 5, sharers: 2 }, read, GIB)).toEqual({
    limitBytes: 5,
    source: "option",
  });
  expect(findMemoryLimit({ optionBytes: undefined, sharers: 3 }, read, 64 * GIB)).toEqual({
    limitBytes: 3 * GIB,
    source: "control group",
  });
  expect(findMemoryLimit({ optionBytes: undefined, sharers: 1 }, read, 4 * GIB)).toEqual({
    limitBytes: 3 * GIB,
    source: "machine",
  });
});
