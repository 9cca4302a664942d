/** RFC 5256 §3, REFERENCES, steps (4) and (5): threads of one base subject become one. */

/**
 * Parents by node, as `References.prune` answers them, with the merged threads; dummies may have been added. By place: `order` by sent
 * date, `subjects` the base subjects, `answers` whether the subject said that it is a reply or was sent on.
 */
export function gatherSubjects(
  parents: Uint32Array,
  order: Uint32Array,
  subjects: readonly string[],
  answers: Uint8Array,
): Uint32Array {
  const mails = order.length
  const threads = threadsOf(parents, order)
  const table = subjectTable(threads, subjects, answers, mails)
  const merged = Array.from(parents)
  /** Whose children a dummy's became. */
  const moved = new Map<number, number>()
  // (5) (C)
  for (const { node, first } of threads) {
    const subject = subjects[first] ?? ''
    const other = table.get(subject)
    if (other === undefined || other === node) continue
    if (other > mails) {
      if (node > mails) moved.set(node, other)
      else merged[node] = other
    } else if (answers[first] === 1 && answers[other - 1] === 0) {
      merged[node] = other
    } else {
      const dummy = merged.push(0) - 1
      merged[node] = dummy
      merged[other] = dummy
      table.set(subject, dummy)
    }
  }
  return Uint32Array.from(merged, parent => moved.get(parent) ?? parent)
}

/** A child of the root, and the place of the mail that gives it subject and date: itself, or the first child of a dummy. */
interface Thread {
  readonly node: number
  readonly first: number
}

/** (4) By sent date. */
function threadsOf(parents: Uint32Array, order: Uint32Array): readonly Thread[] {
  const threads: Thread[] = []
  const seen = new Set<number>()
  for (const place of order) {
    const parent = parents[place + 1] ?? 0
    if (parent === 0) threads.push({ node: place + 1, first: place })
    if (parent <= order.length || seen.has(parent)) continue
    seen.add(parent)
    threads.push({ node: parent, first: place })
  }
  return threads
}

/** (5) (B) Dummies before mails, mails that began before those that answered. So where there is a dummy of a subject, one is in the table. */
function subjectTable(
  threads: readonly Thread[],
  subjects: readonly string[],
  answers: Uint8Array,
  mails: number,
): Map<string, number> {
  const table = new Map<string, number>()
  for (const { node, first } of threads) {
    const subject = subjects[first] ?? ''
    if (subject === '') continue
    const other = table.get(subject)
    const better =
      other === undefined || (other <= mails && (node > mails || (answers[other - 1] === 1 && answers[first] === 0)))
    if (better) table.set(subject, node)
  }
  return table
}
