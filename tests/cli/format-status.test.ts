import { expect, test } from "vitest";
import { formatStatus } from "../../src/cli/format-status.ts";
import type { ClusterStatus } from "../../src/core/model/status.ts";

const TASKS = { waiting: 5, ready: 4, assigned: 3, running: 2, finished: 10, failed: 1 };

test("a status is a few lines and a table of the workers", () => {
  const status: ClusterStatus = {
    workers: [
      {
        id: 1,
        name: "10.0.0.1:40001",
        cpus: 16,
        resources: { gpus: 2 },
        tasksAssigned: 3,
        tasksRunning: 2,
        objects: 12,
        objectBytes: 3 * 2 ** 20,
        memory: {
          limitBytes: 4 * 2 ** 30,
          usedBytes: 1.5 * 2 ** 30,
          spilledBytes: 2 ** 20,
          isTight: true,
        },
      },
      {
        id: 2,
        name: "b:4",
        cpus: 4,
        resources: {},
        tasksAssigned: 0,
        tasksRunning: 0,
        objects: 0,
      },
    ],
    tasks: TASKS,
    clients: 2,
    dataObjects: 12,
    uptimeMs: 3_723_000,
    unsatisfiable: [{ resources: { cpus: 64, gpus: 1 }, tasks: 7 }],
  };
  expect(formatStatus("localhost:9010", status)).toBe(`Server localhost:9010, up 1 h 2 min
  2 workers with 20 cpus, 2 clients, 12 data objects
  tasks: 5 waiting, 4 ready, 3 assigned, 2 running, 10 finished, 1 failed
  7 waiting tasks: no worker has 64 cpus, 1 gpus

  worker          cpus  other   running  assigned  objects  bytes    memory                      spilled
  10.0.0.1:40001  16    2 gpus  2        3         12       3.0 MiB  1.5 GiB of 4.0 GiB (tight)  1.0 MiB
  b:4             4     -       0        0         0        -        -                           -
`);
});

test("an empty cluster has no table", () => {
  const text = formatStatus("a:1", {
    workers: [],
    tasks: TASKS,
    clients: 1,
    dataObjects: 0,
    uptimeMs: 61_000,
    unsatisfiable: [],
  });
  expect(text).toContain("0 workers with 0 cpus");
  expect(text).toContain("up 1 min 1 s");
  expect(text.trim().split("\n")).toHaveLength(3);
});
