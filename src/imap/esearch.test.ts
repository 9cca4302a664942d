import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Esearch, esearchResponse, numbersResponse, threadResponse } from './esearch.ts'

const text = (parts: Iterable<string | Uint8Array>): string =>
  Array.from(parts, part => Buffer.from(part).toString('latin1')).join('')

const NOTHING: Esearch = {
  tag: 'A1',
  uid: false,
  min: undefined,
  max: undefined,
  all: undefined,
  count: undefined,
  partial: undefined,
  modseq: undefined,
}

test('the old answers', () => {
  const cases: [string, Iterable<string | Uint8Array>][] = [
    ['* SEARCH\r\n', numbersResponse('SEARCH', Uint32Array.of(), undefined)],
    ['* SEARCH\r\n', numbersResponse('SEARCH', Uint32Array.of(), 7)],
    ['* SEARCH 2 84 882\r\n', numbersResponse('SEARCH', Uint32Array.of(2, 84, 882), undefined)],
    // RFC 7162 §3.1.5
    ['* SEARCH 2 5 (MODSEQ 917162500)\r\n', numbersResponse('SEARCH', Uint32Array.of(2, 5), 917_162_500)],
    // RFC 5256 §3
    ['* SORT 5 3 4 1 2\r\n', numbersResponse('SORT', Uint32Array.of(5, 3, 4, 1, 2), undefined)],
    ['* SORT 4294967295\r\n', numbersResponse('SORT', Uint32Array.of(4_294_967_295), undefined)],
  ]
  for (const [expected, parts] of cases) assert.equal(text(parts), expected)
})

test('ESEARCH: the examples of RFC 4731 §3.1, RFC 5267 §3.3 and RFC 9394 §3.1', () => {
  const cases: [string, Partial<Esearch>][] = [
    ['* ESEARCH (TAG "A282") MIN 2 COUNT 3\r\n', { tag: 'A282', min: 2, count: 3 }],
    ['* ESEARCH (TAG "A283") ALL 2,10:11\r\n', { tag: 'A283', all: Uint32Array.of(2, 10, 11) }],
    ['* ESEARCH (TAG "A285") UID MIN 7 MAX 3800\r\n', { tag: 'A285', uid: true, min: 7, max: 3800 }],
    ['* ESEARCH (TAG "a4") MIN 2 COUNT 10 MODSEQ 917\r\n', { tag: 'a4', min: 2, count: 10, modseq: 917 }],
    ['* ESEARCH (TAG "A1")\r\n', { all: Uint32Array.of() }],
    ['* ESEARCH (TAG "A1") COUNT 0\r\n', { all: Uint32Array.of(), count: 0 }],
    [
      '* ESEARCH (TAG "E01") UID ALL 23765,23764,23763,23761,1:3\r\n',
      { tag: 'E01', uid: true, all: Uint32Array.of(23_765, 23_764, 23_763, 23_761, 1, 2, 3) },
    ],
    [
      '* ESEARCH (TAG "A04") UID PARTIAL (24000:24500 NIL)\r\n',
      { tag: 'A04', uid: true, partial: { range: [24_000, 24_500], numbers: Uint32Array.of() } },
    ],
    [
      '* ESEARCH (TAG "A01") PARTIAL (-1:-100 4:6)\r\n',
      { tag: 'A01', partial: { range: [-1, -100], numbers: Uint32Array.of(4, 5, 6) } },
    ],
  ]
  for (const [expected, result] of cases) assert.equal(text(esearchResponse({ ...NOTHING, ...result })), expected)
})

test('numbers come back as they went, in pieces of 32 KB at most', () => {
  const lists = [
    Uint32Array.from({ length: 100_000 }, (_, i) => i + 1),
    Uint32Array.from({ length: 100_000 }, (_, i) => 4_294_967_295 - i),
    Uint32Array.from({ length: 100_000 }, (_, i) => i * 7919 + (i % 3)),
    ...[0, 1, 2, 9, 10, 2978, 2979, 2980].map(length => Uint32Array.from({ length }, (_, i) => i + Math.floor(i / 2))),
  ]
  for (const numbers of lists) comesBack(numbers)
  fc.assert(fc.property(fc.uint32Array({ min: 1 }), comesBack))
})

function comesBack(numbers: Uint32Array): void {
  const parts = [...numbersResponse('SEARCH', numbers, undefined)]
  assert.ok(parts.every(part => part.length <= 32 * 1024))
  const [, , ...back] = text(parts).trimEnd().split(' ')
  assert.deepEqual(Uint32Array.from(back, Number), numbers)
  const set = text(esearchResponse({ ...NOTHING, all: numbers }))
    .trimEnd()
    .split(' ')[5]
  assert.deepEqual(Uint32Array.from(set === undefined ? [] : set.split(',').flatMap(expand)), numbers)
}

function expand(range: string): number[] {
  const [first = 0, last = first] = range.split(':').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** Children by node; node 0 is the root. */
function forest(numbers: number[], children: Readonly<Record<number, number[]>>) {
  const firstChild = new Uint32Array(numbers.length)
  const nextSibling = new Uint32Array(numbers.length)
  for (const [parent, nodes] of Object.entries(children)) {
    firstChild[Number(parent)] = nodes[0] ?? 0
    nodes.forEach((node, i) => {
      nextSibling[node] = nodes[i + 1] ?? 0
    })
  }
  return { numbers: Uint32Array.from(numbers), firstChild, nextSibling }
}

test('THREAD: the examples of RFC 5256 §4', () => {
  const cases: [string, ReturnType<typeof forest>][] = [
    ['* THREAD\r\n', forest([0], {})],
    ['* THREAD (2)\r\n', forest([0, 2], { 0: [1] })],
    [
      '* THREAD (2)(3 6 (4 23)(44 7 96))\r\n',
      forest([0, 2, 3, 6, 4, 23, 44, 7, 96], { 0: [1, 2], 2: [3], 3: [4, 6], 4: [5], 6: [7], 7: [8] }),
    ],
    ['* THREAD ((3)(5))\r\n', forest([0, 3, 5, 0], { 0: [3], 3: [1, 2] })],
    [
      '* THREAD ((1 (2)(3))(4))(5 6)\r\n',
      forest([0, 1, 2, 3, 4, 5, 6, 0], { 0: [7, 5], 7: [1, 4], 1: [2, 3], 5: [6] }),
    ],
  ]
  for (const [expected, tree] of cases) assert.equal(text(threadResponse(tree)), expected)
})

test('a deep thread, and one that nests at each step', () => {
  const length = 100_000
  const chain = {
    numbers: Uint32Array.from({ length }, (_, i) => i),
    firstChild: Uint32Array.from({ length }, (_, i) => (i + 1) % length),
    nextSibling: new Uint32Array(length),
  }
  const numbers = Array.from({ length: length - 1 }, (_, i) => i + 1)
  assert.equal(text(threadResponse(chain)), `* THREAD (${numbers.join(' ')})\r\n`)
  // Each odd node has two children: a leaf and the next one.
  const nested = {
    numbers: Uint32Array.from({ length }, (_, i) => i),
    firstChild: Uint32Array.from({ length }, (_, i) => (i === 0 ? 1 : i % 2 === 1 && i + 2 < length ? i + 1 : 0)),
    nextSibling: Uint32Array.from({ length }, (_, i) => (i > 0 && i % 2 === 0 && i + 1 < length ? i + 1 : 0)),
  }
  const parts = text(threadResponse(nested))
  assert.ok(parts.startsWith('* THREAD (1 (2)(3 (4)(5 (6)'))
  assert.equal(parts.split('(').length, parts.split(')').length)
})
