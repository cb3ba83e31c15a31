import { decodeUtf8Lossy, encodeUtf8 } from "../core/base/utf8.ts";
import type { CarriedResults } from "../core/model/batches.ts";
import type { CarriedList } from "../core/model/carried-list.ts";
import { MAX_CARRIED_RESULT_BYTES } from "../protocol/limits.ts";
import type { SimulatedValue } from "./values.ts";

/** Lets a small value without items ride along with the report that its task is finished. */
export function carryValue(list: CarriedList, position: number, value: SimulatedValue): void {
  if (value.items !== undefined || value.sizeBytes > MAX_CARRIED_RESULT_BYTES) return;
  const { dataType, hash, factor, sizeBytes } = value;
  list.add(position, dataType, 1);
  list.append(encodeUtf8(JSON.stringify({ dataType, hash, factor, sizeBytes })));
}

/** The value that bytes stand for. */
export function readCarriedValue(bytes: Uint8Array): SimulatedValue {
  const value = JSON.parse(decodeUtf8Lossy(bytes)) as Omit<SimulatedValue, "items">;
  return { ...value, items: undefined };
}

/** The values of a message to a client, by position. */
export function readCarriedValues(
  carried: CarriedResults | undefined,
): ReadonlyMap<number, SimulatedValue> {
  const values = new Map<number, SimulatedValue>();
  carried?.positions.forEach((position, entry) => {
    const bytes = carried.bytes.subarray(carried.starts[entry], carried.starts[entry + 1]);
    values.set(position, readCarriedValue(bytes));
  });
  return values;
}
