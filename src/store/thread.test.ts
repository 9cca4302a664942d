import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ThreadTree } from '../mail/thread-tree.ts'
import { type FakeMail, fakeMailbox } from './fake-mails.ts'
import { threadByReferences, threadBySubject } from './thread.ts'

/** As RFC 5256 §4 writes it. Recurses, so not for deep ones. */
function text({ numbers, firstChild, nextSibling }: ThreadTree): string {
  const childrenOf = (node: number): number[] => {
    const children: number[] = []
    for (let child = firstChild[node] ?? 0; child !== 0; child = nextSibling[child] ?? 0) children.push(child)
    return children
  }
  const members = (node: number): string => {
    const own = numbers[node] === 0 ? '' : `${numbers[node]}`
    const children = childrenOf(node)
    if (children.length === 0) return own
    const rest =
      children.length === 1 ? members(children[0] ?? 0) : children.map(child => `(${members(child)})`).join('')
    return own === '' ? rest : `${own} ${rest}`
  }
  return childrenOf(0)
    .map(node => `(${members(node)})`)
    .join('')
}

async function references(mails: readonly FakeMail[]): Promise<string> {
  const { scope, version } = fakeMailbox(mails)
  return text(await threadByReferences(version.uids, scope))
}

/** `id < ref ref: subject`, one a line, in order of UID and of date; `~` before the subject: it is an answer. */
function box(lines: string): FakeMail[] {
  return lines
    .trim()
    .split('\n')
    .map((line, i) => {
      const [names = '', subject = ''] = line.split(':').map(part => part.trim())
      const [messageId = '', refs = ''] = names.split('<').map(part => part.trim())
      const answer = subject.startsWith('~')
      const sort = {
        messageId,
        references: refs === '' ? [] : refs.split(' '),
        subject: answer ? subject.slice(1) : subject,
        answer,
      }
      return { uid: i + 1, sent: (i + 1) * 1000, sort }
    })
}

test('REFERENCES, by the steps of RFC 5256 §3', async () => {
  const cases: readonly (readonly [why: string, mails: string, threads: string])[] = [
    ['a chain', 'a\n b < a\n c < a b', '(1 2 3)'],
    ['two answers', 'a\n b < a\n c < a', '(1 (2)(3))'],
    ['the answer came first', 'b < a\n a', '(2 1)'],
    ['1.A: what lies between is not here', 'a\n c < a b\n d < a b c', '(1 2 3)'],
    ['1.A: references link mails that do not say so themselves', 'a\n b\n c < a b', '(1 2 3)'],
    ['1.A: a mail without an id', ' < a\n a\n < a', '(2 (1)(3))'],
    ['1.A: one id twice: answers go to the first', 'a\n a\n b < a', '(1 3)(2)'],
    ['1.A: no loop', 'a < b\n b < a', '(2 1)'],
    ['1.A: no loop with itself', 'a < a', '(1)'],
    ['1.A: a longer loop', 'a < c\n b < a\n c < b', '(3 1 2)'],
    ['1.B: the last reference counts, not what others guessed', 'x\n c < a b\n b < x', '(1 3 2)'],
    ['1.B: without references it has no parent', 'c < a b\n b\n a', '(2 1)(3)'],
    ['3: a dummy with one child', 'b < a', '(1)'],
    ['3: a dummy with two', 'b < a\n c < a', '((1)(2))'],
    ['3: a dummy below a dummy', 'c < a b\n d < a b', '((1)(2))'],
    ['3: a dummy below a mail', 'a\n c < a b\n d < a b', '(1 (2)(3))'],
    ['3: dummies beside each other below a dummy', 'd < a b\n e < a c\n f < a c', '((1)(2)(3))'],
    ['5.C: one subject, neither an answer', 'a: s\n b: s', '((1)(2))'],
    ['5.C: three of them', 'a: s\n b: s\n c: s', '((1)(2)(3))'],
    ['5.C: an answer without references', 'a: s\n b: ~s', '(1 2)'],
    ['5.B: the one that began is the parent, also when it came later', 'b: ~s\n a: s', '(2 1)'],
    ['5.C: both answers', 'a: ~s\n b: ~s', '((1)(2))'],
    ['5.C: two dummies', 'b < a: s\n c < a: s\n e < d: s\n f < d: s', '((1)(2)(3)(4))'],
    ['5.C: a dummy and a mail', 'b < a: s\n c < a: s\n d: s', '((1)(2)(3))'],
    ['5.B: a mail and then a dummy', 'd: s\n b < a: s\n c < a: s', '((1)(2)(3))'],
    ['5.B.ii: no subject', 'a\n b', '(1)(2)'],
    ['5: only under the root', 'a: s\n b < a: t\n c: t', '(1 2)(3)'],
  ]
  for (const [why, mails, threads] of cases) assert.equal(await references(box(mails)), threads, why)
})

test('siblings and threads stand by sent date, and then by number', async () => {
  const dated = (uid: number, sent: number, id: string, refs: string[], subject = ''): FakeMail => ({
    uid,
    sent,
    sort: { messageId: id, references: refs, subject },
  })
  // The dummy of 1 and 3 stands where 3 does, its first child.
  const mails = [
    dated(1, 90, 'b', ['a']),
    dated(2, 50, 'x', []),
    dated(3, 40, 'c', ['a']),
    dated(4, 30, 'y', ['x']),
    dated(5, 20, 'z', ['x']),
    dated(6, 20, 'w', ['x']),
    dated(7, 45, 'v', [], 's'),
    dated(8, 10, 'u', [], 's'),
  ]
  assert.equal(await references(mails), '((8)(7))((3)(1))(2 (5)(6)(4))')
})

test('ORDEREDSUBJECT', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a: s\n b: t\n c: ~s\n d: s', '(1 (3)(4))(2)'],
    ['a: s\n b: s', '(1 2)'],
    ['a < b: s\n b: t', '(1)(2)'],
    ['a\n b', '(1 2)'],
  ]
  for (const [mails, threads] of cases) {
    const { scope, version } = fakeMailbox(box(mails))
    assert.equal(text(await threadBySubject(version.uids, scope)), threads)
  }
  const { scope } = fakeMailbox([])
  assert.equal(text(await threadBySubject(new Uint32Array(0), scope)), '')
  assert.equal(text(await threadByReferences(new Uint32Array(0), scope)), '')
})

const id = fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
const mails = fc
  .array(
    fc.record({
      sent: fc.integer({ min: 1, max: 10 }),
      sort: fc.record({
        messageId: id,
        references: fc.array(
          id.filter(name => name !== ''),
          { maxLength: 4 },
        ),
        subject: fc.constantFrom('', '', 's', 't'),
        answer: fc.boolean(),
      }),
    }),
    { maxLength: 20 },
  )
  .map(list => list.map((mail, i): FakeMail => ({ uid: i * 3 + 1, ...mail })))

test('each mail stands in exactly one place, dummies only under the root and never alone', async () => {
  await fc.assert(
    fc.asyncProperty(mails, fc.boolean(), async (box, byReferences) => {
      const { scope, version } = fakeMailbox(box)
      const tree = await (byReferences ? threadByReferences : threadBySubject)(version.uids, scope)
      const found: number[] = []
      const open = [{ node: 0, depth: 0 }]
      for (let at = open.pop(); at; at = open.pop()) {
        const { node, depth } = at
        let children = 0
        for (let child = tree.firstChild[node] ?? 0; child !== 0; child = tree.nextSibling[child] ?? 0) {
          open.push({ node: child, depth: depth + 1 })
          children++
        }
        const number = tree.numbers[node] ?? 0
        if (number !== 0) found.push(number)
        else assert.ok(depth === 0 || (depth === 1 && children > 1))
      }
      assert.deepEqual(
        found.sort((a, b) => a - b),
        [...version.uids],
      )
    }),
    { numRuns: 500 },
  )
})

test('REFERENCES is what the RFC says, told step by step', async () => {
  await fc.assert(
    fc.asyncProperty(mails, async box => {
      assert.equal(await references(box), naive(box))
    }),
    { numRuns: 1000 },
  )
})

interface Node {
  readonly mail: FakeMail | undefined
  parent: Node | undefined
  children: Node[]
}

/** The text of RFC 5256 §3, with objects and recursion. */
function naive(box: readonly FakeMail[]): string {
  const nodes = new Map<string, Node>()
  const all: Node[] = []
  const make = (mail: FakeMail | undefined): Node => {
    const node: Node = { mail, parent: undefined, children: [] }
    all.push(node)
    return node
  }
  const own = box.map(mail => {
    const name = mail.sort?.messageId ?? ''
    const node = make(mail)
    if (name !== '' && !nodes.has(name)) nodes.set(name, node)
    return node
  })
  const isUnder = (a: Node | undefined, b: Node): boolean => a !== undefined && (a === b || isUnder(a.parent, b))
  const named = (name: string): Node => {
    const node = nodes.get(name) ?? make(undefined)
    nodes.set(name, node)
    return node
  }
  box.forEach((mail, i) => {
    const chain = (mail.sort?.references ?? []).map(named)
    chain.forEach((node, place) => {
      const before = chain[place - 1]
      if (before && !node.parent && !isUnder(before, node)) node.parent = before
    })
    const node = own[i]
    const last = chain.at(-1)
    if (!node) return
    node.parent = undefined
    if (last && !isUnder(last, node)) node.parent = last
  })
  for (const node of all) node.parent?.children.push(node)
  const prune = (node: Node): Node[] => {
    node.children = node.children.flatMap(prune)
    return node.mail ? [node] : node.children
  }
  let roots = all
    .filter(node => !node.parent)
    .flatMap(node => {
      const left = prune(node)
      return node.mail || left.length < 2 ? left : [node]
    })
  const date = (node: Node): number => (node.mail ? (node.mail.sent ?? 0) * 1e6 + node.mail.uid : date(first(node)))
  const byDate = (list: Node[]): Node[] => list.sort((a, b) => date(a) - date(b))
  const first = (node: Node): Node => byDate(node.children)[0] ?? node
  byDate(roots)
  const subject = (node: Node): string => (node.mail ?? first(node).mail)?.sort?.subject ?? ''
  const answers = (node: Node): boolean => node.mail?.sort?.answer === true
  const table = new Map<string, Node>()
  for (const node of roots) {
    const there = table.get(subject(node))
    if (subject(node) === '') continue
    if (!there || (there.mail && (!node.mail || (answers(there) && !answers(node))))) table.set(subject(node), node)
  }
  const before = roots
  for (const node of before) {
    const name = subject(node)
    const there = table.get(name)
    if (name === '' || !there || there === node || !roots.includes(node)) continue
    roots = roots.filter(other => other !== node)
    if (!there.mail && !node.mail) there.children.push(...node.children)
    else if (!there.mail || (answers(node) && !answers(there))) there.children.push(node)
    else {
      const dummy: Node = { mail: undefined, parent: undefined, children: [there, node] }
      roots = roots.map(other => (other === there ? dummy : other))
      table.set(name, dummy)
    }
  }
  const write = (node: Node): string => {
    const children = byDate(node.children)
    const rest = children.length === 1 ? children.map(write) : children.map(child => `(${write(child)})`)
    return [...(node.mail ? [String(node.mail.uid)] : []), ...(rest.length > 0 ? [rest.join('')] : [])].join(' ')
  }
  return byDate(roots)
    .map(node => `(${write(node)})`)
    .join('')
}

test('a thread that is 100,000 deep, from either end', async () => {
  const length = 100_000
  const deep = (nameOf: (i: number) => number): FakeMail[] =>
    Array.from({ length }, (_, i) => ({
      uid: i + 1,
      sent: i,
      sort: { messageId: `m${nameOf(i)}`, references: nameOf(i) === 0 ? [] : [`m${nameOf(i) - 1}`] },
    }))
  for (const mails of [deep(i => i), deep(i => length - 1 - i)]) {
    const { scope } = fakeMailbox([])
    const rows = mails.map(({ uid, sent = 0, sort }) => ({ uid, sent, keys: sort }))
    const tree = await threadByReferences(
      Uint32Array.from(rows, ({ uid }) => uid),
      {
        ...scope,
        reader: {
          ...scope.reader,
          column: (_, __, [from, to]) => rows.slice(from - 1, to).map(({ uid, sent }) => [uid, sent]),
          sortKeys: (_, [from, to]) =>
            rows.slice(from - 1, to).map(({ uid, keys }) => [
              uid,
              {
                subject: '',
                answer: false,
                from: '',
                to: '',
                cc: '',
                displayFrom: '',
                displayTo: '',
                messageId: keys?.messageId ?? '',
                references: keys?.references ?? [],
              },
            ]),
        },
      },
    )
    let depth = 0
    for (let node = tree.firstChild[0] ?? 0; node !== 0; node = tree.firstChild[node] ?? 0) depth++
    assert.equal(depth, length)
  }
})
