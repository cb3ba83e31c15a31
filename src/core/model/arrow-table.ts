/**
 * What is known here of a table of Apache Arrow, whatever copy of that package made it: bundles have
 * copies of their own, so its class tells nothing.
 */
export type ArrowTableLike = {
  readonly schema: { readonly fields: readonly unknown[] };
  readonly batches: readonly unknown[];
  readonly numRows: number;
};

/** The two functions of `apache-arrow` that are used; `bytes` are an IPC stream. */
export type ArrowLibrary = {
  tableFromIPC(bytes: Uint8Array): unknown;
  tableToIPC(table: unknown, format: "stream"): Uint8Array;
};

export function isArrowTable(value: unknown): value is ArrowTableLike {
  if (typeof value !== "object" || value === null) return false;
  if (!("schema" in value && "batches" in value && "getChild" in value)) return false;
  const { schema, batches } = value;
  if (!Array.isArray(batches) || typeof schema !== "object" || schema === null) return false;
  return "fields" in schema && Array.isArray(schema.fields);
}
