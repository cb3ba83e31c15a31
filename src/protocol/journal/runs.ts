import { unexpected } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";

/** Rows that a run may stand for: what a record says is checked before memory is taken for it. */
export const MAX_RECORD_ROWS: number = 2 ** 27;

const zigzag = (value: number): number => (value >= 0 ? 2 * value : -2 * value - 1);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/**
 * Rows in any order, as runs that rise or fall by one, which they mostly do:
 *
 *     | run count | first - end of the run before, zigzag | 2 * length + (1: it falls) | ...
 */
export function writeRows(writer: ByteWriter, rows: Uint32Array): void {
  writer.varint(rows.length);
  let end = 0;
  for (let i = 0; i < rows.length; ) {
    const first = rows[i] as number;
    const step = rows[i + 1] === first - 1 ? -1 : 1;
    let last = first;
    let next = i + 1;
    while (next < rows.length && rows[next] === last + step) {
      last += step;
      next += 1;
    }
    writer.varint(zigzag(first - end));
    writer.varint(2 * (next - i) + (step < 0 ? 1 : 0));
    end = last + step;
    i = next;
  }
}

export function readRows(reader: ByteReader): Uint32Array {
  const count = readCount(reader);
  const rows = new Uint32Array(count);
  let end = 0;
  for (let i = 0; i < count; ) {
    const first = end + unzigzag(reader.varint());
    const { length, step } = readRun(reader, count - i);
    for (let k = 0; k < length; k += 1) rows[i + k] = checkRow(first + step * k);
    end = first + step * length;
    i += length;
  }
  return rows;
}

/** Where each of a plan's tasks is. */
export type Places = {
  /** -1 for none. */
  readonly rows: Int32Array;
  readonly attemptBases: Uint32Array;
};

/** As `writeRows`, with the tasks that are left out before each run, and the attempt base of its rows. */
export function writePlaces(writer: ByteWriter, { rows, attemptBases }: Places): void {
  const count = rows.length;
  writer.varint(count);
  let end = 0;
  let lastBase = 0;
  for (let i = 0; i < count; ) {
    let gap = 0;
    while (i + gap < count && rows[i + gap] === -1) gap += 1;
    writer.varint(gap);
    i += gap;
    if (i === count) break;
    const first = rows[i] as number;
    const base = attemptBases[i] as number;
    const step = rows[i + 1] === first - 1 ? -1 : 1;
    let last = first;
    let next = i + 1;
    // A run that falls ends with row 0: -1 is none.
    while (
      next < count &&
      last + step >= 0 &&
      rows[next] === last + step &&
      attemptBases[next] === base
    ) {
      last += step;
      next += 1;
    }
    writer.varint(zigzag(first - end));
    writer.varint(2 * (next - i) + (step < 0 ? 1 : 0));
    writer.varint(zigzag(base - lastBase));
    end = last + step;
    lastBase = base;
    i = next;
  }
}

export function readPlaces(reader: ByteReader): Places {
  const count = readCount(reader);
  const rows = new Int32Array(count).fill(-1);
  const attemptBases = new Uint32Array(count);
  let end = 0;
  let base = 0;
  for (let i = 0; i < count; ) {
    const gap = reader.varint();
    if (gap > count - i) throw unexpected(`a gap of at most ${count - i} tasks`, String(gap));
    i += gap;
    if (i === count) break;
    const first = end + unzigzag(reader.varint());
    const { length, step } = readRun(reader, count - i);
    base += unzigzag(reader.varint());
    for (let k = 0; k < length; k += 1) rows[i + k] = checkRow(first + step * k);
    attemptBases.fill(base, i, i + length);
    end = first + step * length;
    i += length;
  }
  return { rows, attemptBases };
}

/** Marks of 0 and 1, as lengths of runs of each in turn, beginning with 0. */
export function writeMarks(writer: ByteWriter, marks: Uint8Array): void {
  writer.varint(marks.length);
  let current = 0;
  for (let i = 0; i < marks.length; ) {
    let next = i;
    while (next < marks.length && marks[next] === current) next += 1;
    writer.varint(next - i);
    i = next;
    current = 1 - current;
  }
}

export function readMarks(reader: ByteReader): Uint8Array {
  const count = readCount(reader);
  const marks = new Uint8Array(count);
  let current = 0;
  for (let i = 0; i < count; ) {
    const length = reader.varint();
    if (length > count - i) throw unexpected(`at most ${count - i} marks`, String(length));
    marks.fill(current, i, i + length);
    i += length;
    current = 1 - current;
  }
  return marks;
}

function readCount(reader: ByteReader): number {
  const count = reader.varint();
  if (count > MAX_RECORD_ROWS) throw unexpected(`at most ${MAX_RECORD_ROWS} rows`, String(count));
  return count;
}

function readRun(
  reader: ByteReader,
  left: number,
): { readonly length: number; readonly step: number } {
  const value = reader.varint();
  const length = Math.floor(value / 2);
  if (length < 1 || length > left) throw unexpected(`a run of 1 to ${left} rows`, String(length));
  return { length, step: value % 2 === 0 ? 1 : -1 };
}

function checkRow(row: number): number {
  if (row >= 0 && row < MAX_RECORD_ROWS) return row;
  throw unexpected(`a row below ${MAX_RECORD_ROWS}`, String(row));
}
