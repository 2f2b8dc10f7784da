/**
 * Things in an order that changes, each added, moved and taken out in constant time. A Map keeps an order too, but
 * finding its first entry walks over all that were deleted before it.
 */

/** What may stand in one chain. */
export interface Link<T> {
  before: T | undefined;
  after: T | undefined;
}

export class Chain<T extends Link<T>> {
  first: T | undefined;
  last: T | undefined;

  /** `link` stands in no chain. */
  append(link: T): void {
    link.before = this.last;
    link.after = undefined;
    if (this.last === undefined) this.first = link;
    else this.last.after = link;
    this.last = link;
  }

  /** `link` stands in this chain. */
  remove(link: T): void {
    if (link.before === undefined) this.first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.last = link.before;
    else link.after.before = link.before;
    link.before = undefined;
    link.after = undefined;
  }

  moveToEnd(link: T): void {
    if (link === this.last) return;
    this.remove(link);
    this.append(link);
  }
}
