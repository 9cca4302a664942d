import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HEADER_MAX } from './header.ts'
import { MESSAGE_PIECES } from './fake-pieces.ts'
import { type Entity, MAX_NESTING, MAX_PARTS } from './entity-stack.ts'
import { indexer } from './structure.ts'

function index(message: string | Uint8Array, ...cuts: readonly number[]): Entity {
  const bytes = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
  const indexed = indexer()
  let from = 0
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    // Of its own memory, and overwritten afterwards: nothing of a chunk may be kept.
    const chunk = Buffer.from(bytes.subarray(from, cut))
    indexed.add(chunk)
    chunk.fill(0x2d)
    from = cut
  }
  return indexed.done()
}

/** `multipart[text "…" 0, …]`: kinds, bodies, lines of texts and messages. */
function outline(message: string, entity = index(message)): string {
  const { kind, body, end, lines, parts } = entity
  if (parts.length > 0 || kind === 'multipart') {
    const inner = parts.map(part => outline(message, part)).join(', ')
    return `${kind}${kind === 'message' ? ` ${lines} ` : ''}[${inner}]`
  }
  return `${kind} ${JSON.stringify(message.slice(body, end))}${kind === 'text' ? ` ${lines}` : ''}`
}

const mixed = 'Content-Type: multipart/mixed; boundary=a\r\n\r\n'

const OUTLINES: readonly (readonly [why: string, message: string, outline: string])[] = [
  ['nothing', '', 'text "" 0'],
  ['only fields', 'a: b\r\n', 'text "" 0'],
  ['lines that are no field belong to the header', 'Hello there\r\nyou\r\n', 'text "" 0'],
  ['a text', 'a: b\r\n\r\nx\r\ny', 'text "x\\r\\ny" 1'],
  ['a bare LF', 'a: b\n\nx\ny\n', 'text "x\\ny\\n" 2'],
  [
    'parts',
    `${mixed}pre\r\n--a\r\n\r\nx\r\n--a\r\n\r\ny\r\n\r\n--a--\r\nepi\r\n`,
    'multipart[text "x" 0, text "y\\r\\n" 1]',
  ],
  ['LF delimiters', `${mixed}--a\n\nx\n--a\n\ny\n\n--a--\n`, 'multipart[text "x" 0, text "y\\n" 1]'],
  ['no close delimiter', `${mixed}--a\r\n\r\nx\r\n`, 'multipart[text "x\\r\\n" 1]'],
  ['a delimiter at the end', `${mixed}--a\r\n\r\nx\r\n--a`, 'multipart[text "x" 0]'],
  ['an empty part at the end', `${mixed}--a\r\n\r\nx\r\n--a\r\n`, 'multipart[text "x" 0, text "" 0]'],
  ['a delimiter in a header', `${mixed}--a\r\nx: y\r\n--a\r\n\r\nz\r\n--a--`, 'multipart[text "" 0, text "z" 0]'],
  ['two delimiters', `${mixed}--a\r\n--a\r\n\r\nz\r\n--a--`, 'multipart[text "" 0, text "z" 0]'],
  ['after the close delimiter', `${mixed}--a--\r\n--a\r\n\r\nx`, 'multipart[]'],
  ['no delimiter', `${mixed}body\r\n`, 'multipart[]'],
  ['no boundary', 'Content-Type: multipart/mixed\r\n\r\nbody', 'multipart[]'],
  [
    'a line that only begins so',
    `${mixed}--a\r\n\r\nx\r\n -- a\r\n-a\r\nb--a\r\n--b\r\n--a--`,
    'multipart[text "x\\r\\n -- a\\r\\n-a\\r\\nb--a\\r\\n--b" 4]',
  ],
  [
    'RFC 2046 §5.1.1: the beginning is enough',
    `${mixed}--abc\r\n\r\nx\r\n--a \t\r\n\r\ny\r\n--a-- \r\n`,
    'multipart[text "x" 0, text "y" 0]',
  ],
  [
    'the longest boundary counts',
    `${mixed}--a\r\nContent-Type: multipart/mixed; boundary=a-1\r\n\r\n--a-1\r\n\r\nx\r\n--a-1--\r\n--a\r\n\r\ny\r\n--a--`,
    'multipart[multipart[text "x" 0], text "y" 0]',
  ],
  [
    'the longest boundary counts, though the inner one fits too',
    'Content-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--abc\r\n\r\ny\r\n--abc--',
    'multipart[multipart[text "x" 0], text "y" 0]',
  ],
  [
    'a boundary that ends with hyphens',
    `${mixed}--a\r\nContent-Type: multipart/mixed; boundary=a--\r\n\r\n--a--\r\n\r\nx\r\n--a----\r\n--a\r\n\r\ny\r\n--a--`,
    'multipart[multipart[text "x" 0], text "y" 0]',
  ],
  [
    'a delimiter of the outer multipart closes the inner',
    `${mixed}--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--a\r\n\r\ny\r\n--b\r\n--a--`,
    'multipart[multipart[text "x" 0], text "y\\r\\n--b" 1]',
  ],
  [
    'a message with parts, and lines that are counted also in what is no text',
    `${mixed}--a\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: image/png\r\n\r\n1\r\n2\r\n--a--`,
    'multipart[message 3 [other "1\\r\\n2"]]',
  ],
  ['an empty message', `${mixed}--a\r\nContent-Type: message/rfc822\r\n--a--`, 'multipart[message 0 [text "" 0]]'],
  ['RFC 6532 §3.7', 'Content-Type: MESSAGE/Global\r\n\r\na: b\r\n\r\nx', 'message 2 [text "x" 0]'],
  [
    'RFC 2046 §5.1.5: a digest',
    'Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\na: b\r\n\r\nx\r\n--a\r\nContent-Type: text/plain\r\n\r\ny\r\n--a--',
    'multipart[message 2 [text "x" 0], text "y" 0]',
  ],
  ['the first Content-Type counts', 'Content-Type: image/png\r\nContent-Type: text/plain\r\n\r\nx', 'other "x"'],
  ['nonsense counts as none', 'Content-Type: multipart\r\n\r\nx', 'text "x" 0'],
  [
    'a continued boundary (RFC 2231 §3)',
    `Content-Type: multipart/mixed; boundary*1=b; boundary*0="a"\r\n\r\n--ab\r\n\r\nx\r\n--ab--`,
    'multipart[text "x" 0]',
  ],
]

for (const [why, message, expected] of OUTLINES) {
  void test(`structure: ${why}`, () => assert.equal(outline(message), expected))
}

void test('structure: offsets are those of the bytes', () => {
  const message = `${mixed}--a\r\nX: y\r\n\r\nbody\r\n--a--`
  const [part] = index(message).parts
  assert.deepEqual(
    [part?.start, part?.body, part?.end],
    [message.indexOf('X'), message.indexOf('body'), message.lastIndexOf('\r\n')],
  )
})

void test('structure: what is too deep is not taken apart', () => {
  let message = 'x'
  for (let depth = MAX_NESTING + 10; depth > 0; depth--) {
    message = `Content-Type: multipart/mixed; boundary=b${depth}e\r\n\r\n--b${depth}e\r\n${message}\r\n--b${depth}e--`
  }
  let entity = index(message)
  let depth = 1
  for (let child = entity.parts[0]; child; child = child.parts[0], depth++) entity = child
  assert.equal(depth, MAX_NESTING + 1)
  assert.equal(entity.kind, 'deep')
})

void test('structure: there is an end to parts', () => {
  const message = `${mixed}${'--a\r\n\r\nx\r\n'.repeat(MAX_PARTS + 100)}`
  const { parts } = index(message)
  assert.equal(parts.length, MAX_PARTS - 1)
  assert.ok((parts.at(-1)?.end ?? 0) > message.length - 20)
})

void test('structure: a header has an end', () => {
  const line = `x: ${'y'.repeat(1000)}\r\n`
  const { body } = index(line.repeat(300))
  assert.equal(body % line.length, 0)
  assert.ok(body <= HEADER_MAX && body > HEADER_MAX - line.length)
  assert.equal(index(Buffer.alloc(HEADER_MAX + 1, 'x')).body, 0)
})

const pieces = fc.array(fc.constantFrom(...MESSAGE_PIECES), { maxLength: 60 }).map(parts => parts.join(''))

void test('structure: cut anywhere it is the same', () => {
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(400), { maxLength: 30 }), (message, cuts) => {
      const whole = index(message)
      assert.deepEqual(index(message, ...cuts.map(cut => Math.min(cut, message.length))), whole)
      assert.deepEqual(index(message, ...Array.from(message, (_, at) => at)), whole)
    }),
    { numRuns: 500 },
  )
})

void test('structure: the delimiter behind what is no text may be cut, too', () => {
  const message = `${mixed}--a\r\nContent-Type: image/png\r\n\r\n1\r\n\n-\r\r\n--a\r\nContent-Type: image/png\r\n\r\n2\n--a--\r\n`
  const whole = index(message)
  assert.equal(outline(message, whole), 'multipart[other "1\\r\\n\\n-\\r", other "2"]')
  for (let one = 0; one < message.length; one++) {
    for (let two = one; two < message.length; two++) assert.deepEqual(index(message, one, two), whole)
  }
})

void test('structure: ranges nest, follow each other, and hold all lines', () => {
  const check = (message: string, { start, body, end, kind, lines, parts }: Entity): void => {
    assert.ok(start <= body && body <= end)
    if (kind === 'text' || kind === 'message') assert.equal(lines, message.slice(body, end).split('\n').length - 1)
    let from = body
    for (const part of parts) {
      assert.ok(part.start >= from && part.end <= end)
      check(message, part)
      from = part.end
    }
    if (kind === 'message') assert.deepEqual([parts[0]?.start, parts[0]?.end, parts.length], [body, end, 1])
  }
  fc.assert(
    fc.property(
      fc.oneof(
        pieces,
        fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString('latin1')),
      ),
      message => {
        const root = index(message)
        assert.deepEqual([root.start, root.end], [0, message.length])
        check(message, root)
      },
    ),
    { numRuns: 1000 },
  )
})

// The vectors of mime4j.

const vectors = join(import.meta.dirname, '../../../shared/vectors/mime')

/** Where we see it otherwise, and why. */
const ENCODED =
  'RFC 2046 §5.2.1: a message is not base64. mime4j decodes it; IMAP can only point at the bytes as they are'
const DEVIATIONS: Readonly<Record<string, string>> = {
  'bad-newlines-multiple-parts-base64.msg': ENCODED,
  'base64encoded-rfc822message-nested.msg': ENCODED,
  'very-very-long-boundary.msg':
    'RFC 2046 §5.1.1: a boundary has 70 characters. It has 6,900, and differs in the last; we compare 1,000',
}

/** `multipart(body, message(body))` */
function shape({ kind, parts }: Entity): string {
  if (kind === 'message') return `message(${parts.map(shape).join()})`
  return kind === 'multipart' ? `multipart(${parts.map(shape).join()})` : 'body'
}

/** The same of mime4j's XML: a `body-part` is a part of a multipart, a `message` within one is a message/rfc822. */
function shapeOfXml(xml: string): string {
  let shape = ''
  for (const [, closes, name] of xml.matchAll(/<(\/?)(multipart|message|body|body-part)>/g)) {
    if (name === 'body-part') {
      if (closes === '' && /[)y]$/.test(shape)) shape += ','
    } else if (name === 'body') shape += closes === '' ? 'body' : ''
    else shape += closes === '' ? `${name}(` : ')'
  }
  return shape.slice('message('.length, -1)
}

const names = existsSync(vectors) ? readdirSync(vectors).filter(name => name.endsWith('.msg')) : []

void test('structure: the vectors are there', {
  skip: names.length === 0 && 'left out: ../shared/vectors/mime is not there',
}, () => {
  assert.ok(names.length > 30)
})

for (const name of names) {
  void test(`structure: mime4j ${name}`, () => {
    const xml = readFileSync(join(vectors, name.replace(/msg$/, 'xml')), 'latin1')
    const found = shape(index(readFileSync(join(vectors, name))))
    if (name in DEVIATIONS) assert.notEqual(found, shapeOfXml(xml))
    else assert.equal(found, shapeOfXml(xml))
  })
}
