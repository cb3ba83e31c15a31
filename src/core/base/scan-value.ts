/**
 * What a JavaScript value is made of: `json`, if it survives JSON exactly; `special`, if anything in
 * it is; `other` for the rest, such as dates, maps, bytes, `undefined`, cycles.
 */
export type ValueMakeup = "json" | "special" | "other";

/** JSON nested deeper than this is left to other ways; so are cycles. */
const DEPTH_MAX = 500;
/** Items that are looked at; shared parts may multiply without end. */
const ITEMS_MAX = 50_000_000;

/**
 * Looks at a value without recursion. An array is its items: other properties of it do not count.
 * Only plain objects and arrays are looked into, up to the depth that JSON is used for.
 */
export function scanValue(value: unknown, isSpecial: (value: object) => boolean): ValueMakeup {
  let makeup = makeupOfLeaf(value);
  if (makeup !== undefined) return makeup;
  /** Lists that are looked at: each is in one of those before it. */
  const lists: (readonly unknown[])[] = [[value]];
  const positions = [0];
  makeup = "json";
  let itemCount = 0;
  while (lists.length > 0) {
    const top = lists.length - 1;
    const list = lists[top] as readonly unknown[];
    const position = positions[top] as number;
    if (position === list.length) {
      lists.pop();
      positions.pop();
      continue;
    }
    positions[top] = position + 1;
    itemCount += 1;
    if (itemCount > ITEMS_MAX) return "other";
    const item = list[position];
    const leaf = makeupOfLeaf(item);
    if (leaf === "json") continue;
    if (leaf === "other") makeup = "other";
    else if (isSpecial(item as object)) return "special";
    else {
      const items = itemsOf(item as object);
      if (items === undefined || top === DEPTH_MAX) makeup = "other";
      else {
        lists.push(items);
        positions.push(0);
      }
    }
  }
  return makeup;
}

/** Undefined for what has to be looked at. */
function makeupOfLeaf(value: unknown): "json" | "other" | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return "json";
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? "json" : "other";
    case "object":
      return value === null ? "json" : undefined;
    default:
      return "other";
  }
}

/** What a plain object or an array holds; undefined for any other object. */
function itemsOf(value: object): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : undefined;
}
