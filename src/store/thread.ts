/** THREAD (RFC 5256 §3): the found mails as a forest. What the algorithms read of each mail is kept in columns; nothing recurses. */
import type { ThreadTree } from '../mail/thread-tree.ts'
import { readColumn, readSortKeys } from './columns.ts'
import type { MailScope } from './mail-scope.ts'
import { createReferences } from './references.ts'
import { mergeSort } from './sort.ts'
import { gatherSubjects } from './thread-subjects.ts'

/** RFC 5256 §3, ORDEREDSUBJECT: mails of one base subject; the first of them is the parent of all others. `uids` ascend. */
export async function threadBySubject(uids: Uint32Array, scope: MailScope): Promise<ThreadTree> {
  const subjects = Array.from(uids, () => '')
  await readSortKeys(uids, scope, (place, keys) => {
    subjects[place] = keys.subject
  })
  const order = await sentOrder(uids, scope)
  const parents = new Uint32Array(uids.length + 1)
  const firsts = new Map<string, number>()
  for (const place of order) {
    const subject = subjects[place] ?? ''
    const first = firsts.get(subject)
    if (first === undefined) firsts.set(subject, place + 1)
    else parents[place + 1] = first
  }
  return grow(uids, parents, order)
}

/** RFC 5256 §3, REFERENCES. `uids` ascend. */
export async function threadByReferences(uids: Uint32Array, scope: MailScope): Promise<ThreadTree> {
  const references = createReferences(uids.length)
  const subjects = Array.from(uids, () => '')
  const answers = new Uint8Array(uids.length)
  const linked = new Uint8Array(uids.length)
  await readSortKeys(uids, scope, (place, keys) => {
    references.link(place, keys.messageId, keys.references) // (1)
    linked[place] = 1
    subjects[place] = keys.subject
    if (keys.answer) answers[place] = 1
  })
  for (let place = 0; place < uids.length; place++) if (linked[place] === 0) references.link(place, '', [])
  await scope.breathe()
  const order = await sentOrder(uids, scope)
  const pruned = references.prune() // (2), (3)
  await scope.breathe()
  const parents = gatherSubjects(pruned, order, subjects, answers) // (4), (5)
  await scope.breathe()
  return grow(uids, parents, order) // (6)
}

/** RFC 5256 §2.2: the places, by sent date, then by sequence number. */
async function sentOrder(uids: Uint32Array, scope: MailScope): Promise<Uint32Array> {
  const sent = await readColumn(uids, 'sent', scope)
  return mergeSort(uids.length, (a, b) => (sent[a] ?? 0) - (sent[b] ?? 0), scope.breathe)
}

/**
 * The forest in which `parents` says whose child each node is: node 0 is the root, 1 … uids.length are the mails, what follows are dummies.
 * Siblings stand in `order`; a dummy stands where its first child would.
 */
function grow(uids: Uint32Array, parents: Uint32Array, order: Uint32Array): ThreadTree {
  const numbers = new Uint32Array(parents.length)
  numbers.set(uids, 1)
  const firstChild = new Uint32Array(parents.length)
  const nextSibling = new Uint32Array(parents.length)
  const put = (node: number, parent: number): void => {
    nextSibling[node] = firstChild[parent] ?? 0
    firstChild[parent] = node
  }
  /** Children of the root: mails and dummies. */
  const tops: number[] = []
  const isTop = new Uint8Array(parents.length)
  for (const place of order) {
    const parent = parents[place + 1] ?? 0
    const top = parent > uids.length ? parent : place + 1
    if ((top === parent || parent === 0) && isTop[top] === 0) tops.push(top)
    isTop[top] = 1
  }
  // Each is put before those that are there, so the last goes first.
  for (let i = order.length - 1; i >= 0; i--) {
    const node = (order[i] ?? 0) + 1
    const parent = parents[node] ?? 0
    if (parent !== 0) put(node, parent)
  }
  for (let i = tops.length - 1; i >= 0; i--) put(tops[i] ?? 0, 0)
  return { numbers, firstChild, nextSibling }
}
