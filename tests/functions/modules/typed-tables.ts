// Of apache-arrow it uses nothing but a type, so its bundle would have none of it.
import type { Table } from "apache-arrow";

export function countRows(table: Table): number {
  return table.numRows;
}
