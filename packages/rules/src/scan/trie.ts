/** The windows of a rule set as a tree, before it becomes an automaton. */

const NONE: readonly number[] = [];

/** Children are linked lists: most nodes have one. */
export class Trie {
  readonly #kind: Uint8Array;
  readonly #first: Int32Array;
  readonly #sibling: Int32Array;
  readonly #depth: Uint8Array;
  readonly #literals = new Map<number, number[]>();
  readonly #room: number;
  #size = 1;

  /** @param letters bound of all windows' characters. @param room states at most */
  constructor(letters: number, room: number) {
    const bound = Math.max(1, Math.min(letters, room) + 1);
    this.#room = Math.max(1, Math.min(letters, room));
    this.#kind = new Uint8Array(bound);
    this.#first = new Int32Array(bound);
    this.#sibling = new Int32Array(bound);
    this.#depth = new Uint8Array(bound);
  }

  /** Nodes; node 0 is the root. */
  get size(): number {
    return this.#size;
  }

  /** Adds a window that stands for `literal`; false, and nothing added, when there is no room for it. */
  plant(kinds: readonly number[], literal: number): boolean {
    let node = 0;
    let depth = 0;
    for (; depth < kinds.length; depth++) {
      const child = this.#child(node, kinds[depth] ?? 0);
      if (child === 0) break;
      node = child;
    }
    if (this.#size + kinds.length - depth > this.#room) return false;
    for (; depth < kinds.length; depth++) {
      const child = this.#size++;
      this.#kind[child] = kinds[depth] ?? 0;
      this.#depth[child] = depth + 1;
      this.#sibling[child] = this.#first[node] ?? 0;
      this.#first[node] = child;
      node = child;
    }
    const literals = this.#literals.get(node);
    if (literals === undefined) this.#literals.set(node, [literal]);
    else literals.push(literal);
    return true;
  }

  /** All nodes, none before one that is nearer to the root: the rows most in use lie together. */
  breadthFirst(): Int32Array {
    const order = new Int32Array(this.#size);
    let filled = 1;
    for (let at = 0; at < filled; at++) {
      for (const child of this.childrenOf(order[at] ?? 0)) order[filled++] = child;
    }
    return order;
  }

  childrenOf(node: number): readonly number[] {
    const children: number[] = [];
    for (let child = this.#first[node] ?? 0; child !== 0; child = this.#sibling[child] ?? 0) {
      children.push(child);
    }
    return children;
  }

  /** The class of the character that leads to `node`. */
  kindOf(node: number): number {
    return this.#kind[node] ?? 0;
  }

  literalsOf(node: number): readonly number[] {
    return this.#literals.get(node) ?? NONE;
  }

  depthOf(node: number): number {
    return this.#depth[node] ?? 0;
  }

  #child(node: number, kind: number): number {
    let child = this.#first[node] ?? 0;
    while (child !== 0 && this.#kind[child] !== kind) child = this.#sibling[child] ?? 0;
    return child;
  }
}
