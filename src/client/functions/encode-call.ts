import { serialize } from "node:v8";
import { scanValue } from "../../core/base/scan-value.ts";
import { isArrowTable } from "../../core/model/arrow-table.ts";
import { HELD, isPythonObject, type PythonObject } from "../../core/model/python-object.ts";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";
import { Future } from "../futures/future.ts";
import { type GivenInput, OptionalInput, Task } from "../tasks/task.ts";
import { type ReadAs, Reading } from "./readings.ts";

/** Arguments of more bytes are not written into the config, but are data of their own. */
const INLINE_BYTES_MAX = 4096;
/** Lists and objects inside of each other, with a task somewhere in them. */
const DEPTH_MAX = 100;

/** How the runner makes one argument. */
type ArgumentNode =
  /** Input number `input`, the code itself not counted. */
  | { readonly input: number; readonly as?: ReadAs | "v8" }
  | { readonly json: unknown }
  /** Base64 of V8's serialization. */
  | { readonly v8: string }
  | { readonly list: readonly ArgumentNode[] }
  | { readonly object: Readonly<Record<string, ArgumentNode>> };

/**
 * Writes an argument as text; what is data of its own is added to `inputs`, which begin with the code.
 * @param takesClones whether it may be what only JavaScript understands
 */
export function encodeArgument(value: unknown, inputs: GivenInput[], takesClones: boolean): string {
  if (value instanceof Task || value instanceof Future || value instanceof OptionalInput) {
    return inputText(inputs, value);
  }
  if (value instanceof Uint8Array) return inputText(inputs, constant(value));
  const makeup = scanValue(value, isInput);
  if (makeup === "json") return encodeJson(value, inputs);
  const node =
    makeup === "special"
      ? compose(value, inputs, takesClones, 0)
      : clone(value, inputs, takesClones);
  return JSON.stringify(node);
}

function isInput(value: object): boolean {
  return (
    value instanceof Task ||
    value instanceof Future ||
    value instanceof OptionalInput ||
    value instanceof Reading ||
    isPythonObject(value) ||
    isArrowTable(value)
  );
}

function inputText(inputs: GivenInput[], input: GivenInput): string {
  inputs.push(input);
  return `{"input":${inputs.length - 2}}`;
}

function inputNode(inputs: GivenInput[], input: GivenInput): { input: number } {
  inputs.push(input);
  return { input: inputs.length - 2 };
}

function encodeJson(value: unknown, inputs: GivenInput[]): string {
  const text = JSON.stringify(value);
  if (text.length <= INLINE_BYTES_MAX) return `{"json":${text}}`;
  return JSON.stringify({ ...inputNode(inputs, constant(Buffer.from(text))), as: "json" });
}

/** What is neither JSON nor has inputs in it. */
function clone(value: unknown, inputs: GivenInput[], isAllowed: boolean): ArgumentNode {
  if (!isAllowed) {
    throw invalidArgument(
      "An argument of a Python function must be bytes or what JSON can say, or a task or future",
    );
  }
  let bytes: Buffer;
  try {
    bytes = serialize(value);
  } catch (cause) {
    throw invalidArgument(
      `An argument of a function must be data that can be sent to a worker: ${(cause as Error).message}`,
    );
  }
  if (bytes.length <= INLINE_BYTES_MAX) return { v8: bytes.toString("base64") };
  return { ...inputNode(inputs, constant(bytes)), as: "v8" };
}

/** A value that is an input, or a list or an object that has inputs in it. */
function compose(
  value: unknown,
  inputs: GivenInput[],
  takesClones: boolean,
  depth: number,
): ArgumentNode {
  if (depth > DEPTH_MAX) {
    throw invalidArgument(`An argument with tasks in it is nested more than ${DEPTH_MAX} deep`);
  }
  if (value instanceof Task || value instanceof Future || value instanceof OptionalInput) {
    return inputNode(inputs, value);
  }
  if (value instanceof Reading) return { ...inputNode(inputs, value.input), as: value.as };
  if (value instanceof Uint8Array) return inputNode(inputs, constant(value));
  if (isPythonObject(value)) return inputNode(inputs, pickled(value));
  if (isArrowTable(value)) {
    throw invalidArgument(
      "An Arrow table that is here goes to a function as asTable(tasks.const(tableToIPC(table)))",
    );
  }
  const makeup = scanValue(value, isInput);
  if (makeup === "json") return { json: value };
  if (makeup === "other") return clone(value, inputs, takesClones);
  const part = (item: unknown): ArgumentNode => compose(item, inputs, takesClones, depth + 1);
  if (Array.isArray(value)) return { list: value.map(part) };
  const entries = Object.entries(value as object).map(([key, item]) => [key, part(item)] as const);
  return { object: Object.fromEntries(entries) };
}

function constant(bytes: Uint8Array): Task {
  return new Task(TASK_TYPE.const, undefined, bytes);
}

/** Makes the object again of the pickle that came here. */
function pickled(handle: PythonObject): Task {
  return new Task(TASK_TYPE.pyValue, undefined, handle[HELD] as Uint8Array);
}
