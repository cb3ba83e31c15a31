import {
  Bool,
  Dictionary,
  Float64,
  Int32,
  Int64,
  Table,
  tableFromArrays,
  Utf8,
  vectorFromArray,
} from "apache-arrow";

/** A table of many types: its rows are known from their numbers. */
export function makeTable(rows: number): Table {
  const numbers = Array.from({ length: rows }, (_, i) => i);
  const names = numbers.map((i) => (i % 3 === 0 ? null : `näme ${i}`));
  const colors = numbers.map((i) => (i % 5 === 0 ? null : (["red", "green"][i % 2] as string)));
  return new Table({
    id: vectorFromArray(numbers, new Int32()),
    name: vectorFromArray(names, new Utf8()),
    color: vectorFromArray(colors, new Dictionary(new Utf8(), new Int32())),
    score: vectorFromArray(
      numbers.map((i) => (i % 4 === 0 ? null : i / 2)),
      new Float64(),
    ),
    big: vectorFromArray(
      numbers.map((i) => 2n ** 60n + BigInt(i)),
      new Int64(),
    ),
    even: vectorFromArray(
      numbers.map((i) => i % 2 === 0),
      new Bool(),
    ),
  });
}

export type Summary = {
  readonly rows: number;
  readonly columns: string;
  readonly nulls: readonly number[];
  readonly scores: number;
  readonly last: readonly (string | null)[];
};

export function summarize(table: Table): Summary {
  let scores = 0;
  for (const score of table.getChild("score") ?? []) scores += score ?? 0;
  const last = table.numRows === 0 ? null : table.get(table.numRows - 1);
  return {
    rows: table.numRows,
    columns: table.schema.fields.map(({ name }) => name).join(),
    nulls: table.schema.fields.map(({ name }) => table.getChild(name)?.nullCount ?? -1),
    scores,
    last: Object.values(last?.toJSON() ?? {}).map((value) =>
      value === null ? null : String(value).toLowerCase(),
    ),
  };
}

export function passOn(table: Table): Table {
  if (!(table instanceof Table)) throw new TypeError("no table");
  return table;
}

export function pieces(table: Table, count: number): Table[] {
  const size = Math.ceil(table.numRows / count);
  return Array.from({ length: count }, (_, i) => table.slice(i * size, (i + 1) * size));
}

export function countRows(tables: readonly Table[]): number[] {
  return tables.map(({ numRows }) => numRows);
}

export function sizeOf(bytes: Buffer): number {
  return bytes.length;
}

/** A large column without a copy of it: its bytes are those that were read. */
export function sharesMemory(table: Table): boolean {
  const columns = ["score", "big"].map((name) => table.getChild(name)?.data[0]?.values.buffer);
  return columns[0] !== undefined && columns[0] === columns[1];
}

export function hidden(): { readonly table: Table } {
  return { table: tableFromArrays({ a: [1] }) };
}
