/**
 * A binary heap in a list of the caller's: the item that comes before all others is at index 0.
 * Push and pop cost the logarithm of the length. `isBefore` says whether an item comes strictly
 * before another one; the order of others is left open.
 */
export function pushHeap<Item>(
  heap: Item[],
  item: Item,
  isBefore: (a: Item, b: Item) => boolean,
): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(item, heap[parent] as Item)) break;
    heap[index] = heap[parent] as Item;
    index = parent;
  }
  heap[index] = item;
}

/** Takes the first item out; does nothing to an empty heap. */
export function popHeap<Item>(heap: Item[], isBefore: (a: Item, b: Item) => boolean): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Item, heap[child] as Item)) {
      child += 1;
    }
    if (!isBefore(heap[child] as Item, last)) break;
    heap[index] = heap[child] as Item;
    index = child;
  }
  heap[index] = last;
}
