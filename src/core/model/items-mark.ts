/** Marks a list whose items are data objects of their own, in whatever copy of this package made it. */
export const ITEMS_MARK: unique symbol = Symbol.for("hyperloom/items");
