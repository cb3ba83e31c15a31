import type { Brand } from "../../core/base/brand.ts";

/** A row of the value table. A row is used again once its value is gone. */
export type ValueId = Brand<number, "ValueId">;

/** For ids that come out of columns. */
export const valueId = (row: number): ValueId => row as ValueId;

/** Raw data of so many bytes or more lies in a file; what is smaller, in memory. */
export const FILE_BYTES_MIN: number = 1024 * 1024;
