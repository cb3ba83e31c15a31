const PAGE_BITS = 8;
const PAGE_ROWS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ROWS - 1;

type Page = { readonly rows: Int32Array; used: number };

/**
 * A map from int32 keys to rows (>= 0) that costs 4 bytes an entry where keys lie together, as ids
 * that are counted up do. Keys live in pages of 256 that exist only while they hold something, so a
 * hostile scatter of keys costs 1 KiB each and no more.
 */
export class PagedIndex {
  readonly #pages = new Map<number, Page>();
  #lastNumber = 0;
  #lastPage: Page | undefined;
  size = 0;

  #page(number: number): Page | undefined {
    if (this.#lastPage !== undefined && this.#lastNumber === number) return this.#lastPage;
    const page = this.#pages.get(number);
    if (page !== undefined) {
      this.#lastNumber = number;
      this.#lastPage = page;
    }
    return page;
  }

  /** The row of `key`, or -1. */
  get(key: number): number {
    const page = this.#page(key >> PAGE_BITS);
    return page === undefined ? -1 : (page.rows[key & PAGE_MASK] as number);
  }

  set(key: number, row: number): void {
    const number = key >> PAGE_BITS;
    let page = this.#page(number);
    if (page === undefined) {
      page = { rows: new Int32Array(PAGE_ROWS).fill(-1), used: 0 };
      this.#pages.set(number, page);
    }
    const slot = key & PAGE_MASK;
    if (page.rows[slot] === -1) {
      page.used += 1;
      this.size += 1;
    }
    page.rows[slot] = row;
  }

  delete(key: number): void {
    const number = key >> PAGE_BITS;
    const page = this.#page(number);
    if (page === undefined) return;
    const slot = key & PAGE_MASK;
    if (page.rows[slot] === -1) return;
    page.rows[slot] = -1;
    page.used -= 1;
    this.size -= 1;
    if (page.used === 0) {
      this.#pages.delete(number);
      this.#lastPage = undefined;
    }
  }
}
