import { HyperloomError } from "../../core/model/errors.ts";
import type { PlanEncoder } from "../../protocol/client/plan-encoder.ts";
import type { SymbolTable } from "../session/symbol-table.ts";
import type { ResourceAmounts } from "../tasks/resources.ts";

/** The id by which a plan names a symbol: the server's, or one of the plan's own for a name that the server has not told. */
export function symbolId(
  encoder: PlanEncoder,
  symbols: SymbolTable,
  symbol: number | string,
  role: string,
): number {
  if (typeof symbol === "string") return symbols.idOf(symbol) ?? encoder.symbolId(symbol);
  const id = symbols.builtinId(symbol);
  if (id === undefined) {
    throw new HyperloomError("plan-refused", `The server does not know the ${role} ${symbol}.`);
  }
  return id;
}

/** Tasks of a plan mostly ask for the same, so the row that was used last is looked at first. */
export function createRequestRows(
  encoder: PlanEncoder,
  symbols: SymbolTable,
): (request: ResourceAmounts | undefined) => number {
  const rows = new Map<string, number>();
  let lastRequest: ResourceAmounts | undefined;
  let lastRow = -1;
  return (request) => {
    if (request === undefined) return -1;
    if (request === lastRequest) return lastRow;
    let row = rows.get(request.key);
    if (row === undefined) {
      row = encoder.requestIndex(
        request.amounts.map(([name, amount]) => ({
          resource: symbolId(encoder, symbols, name, "resource"),
          amount,
        })),
      );
      rows.set(request.key, row);
    }
    lastRequest = request;
    lastRow = row;
    return row;
  };
}
