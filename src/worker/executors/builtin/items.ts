import { DATA_TYPE } from "../../../core/model/symbols.ts";
import { itemRange } from "../../store/index-offsets.ts";
import { type ValueId, valueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";
import { expected, TaskError } from "../task-error.ts";
import {
  type Builtin,
  configNumbers,
  createNumber,
  immediate,
  nameOfType,
  onlyInput,
} from "./builtin.ts";

/** `loom/array/make`: an array of the inputs, by reference. */
export const arrayMakeBuiltin: Builtin = immediate(({ values, inputs }) =>
  values.createArray(Uint32Array.from(inputs)),
);

/** `loom/base/get`: one item of an array or an index. */
export const getBuiltin: Builtin = immediate((task) => {
  const { values } = task;
  const input = requireItems(values, onlyInput(task));
  const [position = 0n] = configNumbers(task, 1);
  const length = values.length(input);
  if (position >= length) {
    throw new TaskError({ message: `index ${position} is out of range: the length is ${length}` });
  }
  const at = Number(position);
  if (values.dataType(input) === DATA_TYPE.array) {
    const item = valueId(values.items(input)[at] as number);
    values.retain(item);
    return item;
  }
  const { offset, sizeBytes } = itemRange(values, input, at, at + 1);
  return values.createRange(values.indexBase(input), offset, sizeBytes);
});

/** `loom/base/slice`: some items of an array as an array, or of an index as the bytes that they span. */
export const sliceBuiltin: Builtin = immediate((task) => {
  const { values } = task;
  const input = requireItems(values, onlyInput(task));
  const length = values.length(input);
  const [from = 0, to = 0] = configNumbers(task, 2).map((bound) =>
    Number(bound > length ? length : bound),
  );
  const isEmpty = from >= to;
  if (values.dataType(input) === DATA_TYPE.array) {
    const items = isEmpty ? new Uint32Array(0) : values.items(input).slice(from, to);
    return values.createArray(items);
  }
  if (isEmpty) return values.createBytes(new Uint8Array(0));
  const { offset, sizeBytes } = itemRange(values, input, from, to);
  return values.createRange(values.indexBase(input), offset, sizeBytes);
});

/** `loom/base/size`: the sum of the inputs' sizes. */
export const sizeBuiltin: Builtin = immediate(({ values, inputs }) =>
  createNumber(
    values,
    inputs.reduce((sum, input) => sum + values.sizeBytes(input), 0),
  ),
);

/** `loom/base/length`: the sum of the inputs' lengths. */
export const lengthBuiltin: Builtin = immediate(({ values, inputs }) =>
  createNumber(
    values,
    inputs.reduce((sum, input) => sum + values.length(input), 0),
  ),
);

function requireItems(values: ValueTable, input: ValueId): ValueId {
  const type = values.dataType(input);
  if (type === DATA_TYPE.array || type === DATA_TYPE.index) return input;
  throw expected("an array or an index", nameOfType(values, input));
}
