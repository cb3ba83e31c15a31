import { type Checker, check } from "./observation.ts";

/** When every client has released all it had, or is gone, nothing of theirs is left anywhere. */
export function createLeakChecker(): Checker {
  return {
    name: "leaks",
    observe: () => {},
    finish: ({ scheduler, workers }) => {
      for (const worker of workers) {
        const where = `worker ${worker.workerId}`;
        const objects = worker.objects.slice(0, 5).join(", ");
        check(worker.objects.length === 0, () => `${where} still holds objects: ${objects}`);
        check(worker.executions === 0, () => `${where} still runs ${worker.executions} tasks`);
        check(worker.pulls === 0, () => `${where} still waits for ${worker.pulls} objects`);
        check(worker.tasks === 0, () => `${where} still knows ${worker.tasks} tasks`);
      }
      check(scheduler.tasks === 0, () => `the scheduler still knows ${scheduler.tasks} tasks`);
      check(scheduler.objects === 0, () => `the scheduler counts ${scheduler.objects} objects`);
      check(
        scheduler.clients === 0,
        () => `the scheduler knows ${scheduler.clients} clients that left`,
      );
    },
  };
}
