/**
 * RFC 5256 §3, REFERENCES, steps (1) to (3): mails and the mails that they name become nodes, each the child of the one that it answers.
 * Nodes are numbers: 0 is none, 1 … `mails` are the mails by place; what is only named (a dummy) comes behind them.
 */

/** Bytes, about, of the message ids that one THREAD keeps: beyond that, mails that are not there no longer bring others together. */
const MAX_IDS = 64 * 1024 * 1024
const BYTES_PER_ID = 100
/** Steps towards the root in search of loops, in all. Real mail needs next to none; a link that would need more is not made. */
const MAX_STEPS = 100_000_000

export interface References {
  /** (1) Once for each place, in order. References: the oldest first. Ids are without brackets; '' is none. */
  link(place: number, messageId: string, references: readonly string[]): void
  /** (2), (3) By node, mails and dummies: its parent, 0 for the root. Dummies are under the root and have at least two children. */
  prune(): Uint32Array
}

export function createReferences(mails: number): References {
  const nodes = new Map<string, number>()
  const parents: number[] = Array.from({ length: mails + 1 }, () => 0)
  /** How many children it has now. */
  const children: number[] = Array.from({ length: mails + 1 }, () => 0)
  /** Which mail (its place + 1) a node stands for; 0: it is only named so far, a dummy. */
  const became: number[] = Array.from({ length: mails + 1 }, () => 0)
  const mailNodes = new Uint32Array(mails + 1)
  let ids = 0
  let steps = 0

  function nodeOf(id: string): number | undefined {
    const known = nodes.get(id)
    if (known !== undefined) return known
    if (ids > MAX_IDS) return undefined
    ids += id.length + BYTES_PER_ID
    const node = parents.push(0) - 1
    children.push(0)
    became.push(0)
    nodes.set(id, node)
    return node
  }

  /** The node of the mail at this place: the one that stood for its id so far, unless another mail has that. */
  function mailNode(place: number, id: string): number {
    const named = id === '' ? undefined : nodeOf(id)
    // "assign a unique Message ID to each of the subsequent messages with a duplicate"
    const node = named === undefined || became[named] !== 0 ? place + 1 : named
    became[node] = place + 1
    mailNodes[place + 1] = node
    return node
  }

  function setParent(node: number, parent: number): void {
    const before = parents[node] ?? 0
    if (before !== 0) children[before] = (children[before] ?? 0) - 1
    parents[node] = parent
    if (parent !== 0) children[parent] = (children[parent] ?? 0) + 1
  }

  /** "make sure that A is not a descendent of B" */
  function isUnder(a: number, b: number): boolean {
    if (a === b) return true
    if (children[b] === 0) return false
    for (let node = parents[a] ?? 0; node !== 0; node = parents[node] ?? 0) {
      if (node === b || ++steps > MAX_STEPS) return true
    }
    return false
  }

  return {
    link(place, messageId, references) {
      const node = mailNode(place, messageId)
      let last = 0
      for (const id of references) {
        const named = nodeOf(id)
        if (named === undefined) continue
        // (1) (A) "If a message already has a parent, don't change the existing link."
        if (last !== 0 && parents[named] === 0 && !isUnder(last, named)) setParent(named, last)
        last = named
      }
      // (1) (B) The last reference is right, whatever others said before.
      if (parents[node] === last) return
      setParent(node, 0)
      if (last !== 0 && !isUnder(last, node)) setParent(node, last)
    },
    prune() {
      return pruned(mailNodes, parents, became)
    },
  }
}

/** The nodes of mails by place, then those dummies that stay. */
function pruned(nodes: Uint32Array, parents: readonly number[], became: readonly number[]): Uint32Array {
  const mails = nodes.length - 1
  const isDummy = (node: number): boolean => node > mails && became[node] === 0
  /** Of a dummy: the next mail above it, or the topmost dummy, as far as it is known. */
  const above = Uint32Array.from(parents)

  /** (3) Children of dummies are promoted, but not to the root: the next mail above, or else the topmost dummy; 0: the root. */
  function parentOf(node: number): number {
    const first = parents[node] ?? 0
    let top = first
    while (isDummy(top) && above[top] !== 0) top = above[top] ?? 0
    for (let on = first; on !== top; ) {
      const next = above[on] ?? 0
      above[on] = top
      on = next
    }
    return top
  }

  const tops = nodes.map(node => (node === 0 ? 0 : parentOf(node)))
  const left = new Uint32Array(parents.length)
  for (const top of tops) left[top] = (left[top] ?? 0) + 1
  // (3) "unless there is only one child": then that one takes the dummy's place under the root.
  let next = nodes.length
  const numbers = left.map((count, node) => (isDummy(node) && count > 1 ? next++ : 0))
  const result = new Uint32Array(next)
  for (let mail = 1; mail <= mails; mail++) {
    const top = tops[mail] ?? 0
    result[mail] = isDummy(top) ? (numbers[top] ?? 0) : (became[top] ?? 0)
  }
  return result
}
