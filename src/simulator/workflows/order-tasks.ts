import { malformed } from "./checked-json.ts";
import type { WorkflowTask } from "./workflow.ts";

/**
 * The tasks in an order in which inputs come first, as near to the given one as that allows; their
 * inputs are numbered anew. Linear in tasks and inputs. Throws where the inputs form a cycle.
 */
export function orderTasks(tasks: readonly WorkflowTask[]): WorkflowTask[] {
  const missing = tasks.map(({ inputs }) => inputs.length);
  const consumers: number[][] = tasks.map(() => []);
  for (const [index, { inputs }] of tasks.entries()) {
    for (const { task } of inputs) (consumers[task] as number[]).push(index);
  }
  const position = new Int32Array(tasks.length).fill(-1);
  const order: number[] = [];
  const place = (start: number): void => {
    const stack = [start];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      position[index] = order.length;
      order.push(index);
      for (const consumer of consumers[index] as number[]) {
        missing[consumer] = (missing[consumer] as number) - 1;
        // Those behind it come by themselves, at their own places.
        if (missing[consumer] === 0 && consumer < start) stack.push(consumer);
      }
    }
  };
  for (let index = 0; index < tasks.length; index += 1) {
    if (missing[index] === 0 && position[index] === -1) place(index);
  }
  const left = position.indexOf(-1);
  if (left !== -1) throw malformed(`task ${tasks[left]?.name}`, "depends on itself");
  return order.map((index) => {
    const task = tasks[index] as WorkflowTask;
    return {
      ...task,
      inputs: task.inputs.map(({ task: input, output }) => ({
        task: position[input] as number,
        output,
      })),
    };
  });
}
