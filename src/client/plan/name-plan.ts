import type { NamedPlan } from "../../protocol/client/named-plan.ts";
import { invalidArgument } from "../errors.ts";
import type { Future } from "../futures/future.ts";
import { type SharedConstant, Task } from "../tasks/task.ts";

const NONCE_BYTES = 16;
/** Labels that are longer together stay here; results can still be found by their place. */
const LABEL_CHARACTERS_MAX = 1024 * 1024;

/** What the server keeps of a plan that is to live without this client, for whoever attaches to it. */
export function describe(name: string, roots: readonly Task[]): NamedPlan {
  const labels = roots.map(({ label }) => label ?? "");
  const characters = labels.reduce((sum, { length }) => sum + length, 0);
  return {
    name,
    nonce: crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
    roots: Int32Array.from(roots, ({ planRow }) => planRow),
    labels: characters > 0 && characters <= LABEL_CHARACTERS_MAX ? labels : [],
  };
}

/** The rows of `roots`, ascending, each once, and their labels. */
export function distinctRows(
  roots: Int32Array,
  labels: readonly string[],
): { readonly rows: Int32Array; readonly rowLabels: (string | undefined)[] } {
  const labelOf = new Map<number, string | undefined>();
  roots.forEach((row, i) => {
    labelOf.set(row, labels[i] === "" ? undefined : labels[i]);
  });
  const rows = Int32Array.from(labelOf.keys()).sort();
  return { rows, rowLabels: Array.from(rows, (row) => labelOf.get(row)) };
}

/** The constant as a task of the plan itself. */
export const createConstant = ({ taskType, bytes }: SharedConstant): Task =>
  new Task(taskType, [], bytes);

/**
 * Results of a client end with it, and those of a plan that lives without one are its own: neither
 * can be an input of the other. Throws a HyperloomError.
 */
export function checkEarlier(
  earlier: ReadonlySet<Future>,
  name: string | undefined,
  nameOf: (future: Future) => string | undefined,
): void {
  for (const future of earlier) {
    const other = nameOf(future);
    if (name !== undefined) {
      throw invalidArgument(
        `The plan '${name}' cannot use the result of task ${future.id}, which another plan has: ` +
          "make that task a part of it, or submit the value.",
      );
    }
    if (other !== undefined) {
      throw invalidArgument(
        `The result of task ${future.id} belongs to the plan '${other}', which lives without this ` +
          "client: fetch it and submit its value.",
      );
    }
  }
}
