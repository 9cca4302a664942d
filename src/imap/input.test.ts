import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Input, InputReader, MAX_LINE, MAX_LITERAL_OCTETS, MAX_LITERALS } from './input.ts'
import { inputsOf } from './said.ts'

/** `literal 0 5 sync plain|command A LOGIN {5}` and the like; what is streamed is put together. */
function short(inputs: readonly Input[]): string {
  const lines: string[] = []
  let content = ''
  for (const input of inputs) {
    if (input.is === 'content') content += input.bytes.toString('latin1')
    else if (input.is === 'content-end') lines.push(`content ${input.number} ${JSON.stringify(content)}`)
    else lines.push(shortOf(input))
    if (input.is !== 'content') content = ''
  }
  return lines.join('|')
}

function shortOf(input: Exclude<Input, { is: 'content' | 'content-end' }>): string {
  switch (input.is) {
    case 'command':
      return `command ${input.command.pieces
        .map(piece => (typeof piece === 'string' ? piece : `<${piece.bytes?.toString('latin1') ?? 'streamed'}>`))
        .join('')}`
    case 'line':
      return `line ${input.bytes.toString('latin1')}`
    case 'literal':
      return `literal ${input.number} ${input.size}${input.sync ? '' : '+'} ${input.kind} [${input.before.toString('latin1')}]`
    case 'malformed':
      return `malformed ${input.tag} ${input.why}`
  }
}

const texts: readonly (readonly [name: string, text: string, inputs: string])[] = [
  ['lines', 'a NOOP\r\nb NOOP\n', 'command a NOOP|command b NOOP'],
  ['an empty line', '\r\n', 'command '],
  ['a CR alone is text', 'a\rb\r\n', 'command a\rb'],
  ['an unfinished line', 'a NOOP\r', ''],
  ['a literal', 'a LOGIN {3}\r\nx\ny y\r\n', 'literal 0 3 plain [a LOGIN ]|command a LOGIN <x\ny> y'],
  ['after LF too', 'a LOGIN {1+}\nx\n', 'literal 0 1+ plain [a LOGIN ]|command a LOGIN <x>'],
  [
    'literals',
    'a LOGIN {1+}\r\nx {0+}\r\n\r\nb NOOP\r\n',
    'literal 0 1+ plain [a LOGIN ]|literal 1 0+ plain [a LOGIN {1} ]|command a LOGIN <x> <>|command b NOOP',
  ],
  [
    'a message is streamed',
    'a APPEND x (\\Seen) {12+}\r\nb LOGOUT\r\n{5}\r\n',
    'literal 0 12+ plain [a APPEND x (\\Seen) ]|content 0 "b LOGOUT\\r\\n{5"|command a APPEND x (\\Seen) <streamed>}',
  ],
  [
    'a name, and then a message',
    'a APPEND {1}\r\nx {2}\r\nyy {0}\r\n\r\n',
    'literal 0 1 plain [a APPEND ]|literal 1 2 plain [a APPEND {1} ]|content 1 "yy"|literal 2 0 plain [a APPEND {1} {2} ]|content 2 ""|command a APPEND <x> <streamed> <streamed>',
  ],
  [
    'literal8 and UTF8',
    'a APPEND x ~{1}\r\n\0 UTF8 (~{1+}\r\ny)\r\n',
    'literal 0 1 literal8 [a APPEND x ]|content 0 "\\u0000"|literal 1 1+ utf8 [a APPEND x {1} UTF8 (]|content 1 "y"|command a APPEND x <streamed> UTF8 (<streamed>)',
  ],
  ['no literal in quotes', 'a LOGIN "x {5}\r\nb "{5}"\r\n', 'command a LOGIN "x {5}|command b "{5}"'],
  ['a quote that is escaped', 'a b "\\"{1}\r\n', 'command a b "\\"{1}'],
  ['after quotes', 'a b "\\\\" {1}\r\nx\r\n', 'literal 0 1 plain [a b "\\\\" ]|command a b "\\\\" <x>'],
  [
    'no number',
    'a {}\r\na {x}\r\na {5-}\r\na {+}\r\n}\r\n',
    'command a {}|command a {x}|command a {5-}|command a {+}|command }',
  ],
  ['too large a number', 'a b {4294967297}\r\nc NOOP\r\n', 'malformed a bad-literal|command c NOOP'],
  ['too large a number, for ever', `a b {${'9'.repeat(400)}+}\r\nc NOOP\r\n`, 'malformed a bad-literal'],
  ['no tag', '+ {4294967297}\r\n', 'malformed undefined bad-literal'],
]

for (const [name, text, inputs] of texts) {
  test(`input: ${name}`, () => {
    const bytes = Buffer.from(text, 'latin1')
    assert.equal(short(inputsOf([bytes])), inputs)
    assert.equal(short(inputsOf(oneByOne(bytes))), inputs)
  })
}

function oneByOne(bytes: Buffer): Buffer[] {
  return Array.from(bytes, byte => Buffer.from([byte]))
}

test('a line is no command where it is awaited', () => {
  const reader = new InputReader()
  reader.feed(Buffer.from('DONE {5}\r\na NOOP\r\n'))
  assert.deepEqual(reader.next('line'), { is: 'line', bytes: Buffer.from('DONE {5}') })
  assert.equal(reader.buffered, 8)
  assert.equal(reader.next('command')?.is, 'command')
  assert.equal(reader.next('line'), undefined)
})

test('what was not used is counted, and can be taken away', () => {
  const reader = new InputReader()
  reader.feed(Buffer.from('a NO'))
  assert.equal(reader.next('command'), undefined)
  reader.feed(Buffer.from('OP\r\nrest'))
  assert.equal(reader.buffered, 12)
  assert.equal(reader.next('command')?.is, 'command')
  assert.equal(reader.buffered, 4)
  reader.feed(Buffer.from('more'))
  assert.equal(reader.clear().toString(), 'restmore')
  assert.equal(reader.buffered, 0)
})

const NEXT = 'z NOOP\r\n'

test('a line is bounded, and skipped with its literals', () => {
  const long = `a ${'x'.repeat(MAX_LINE)}`
  for (const rest of ['', ' {7+}\r\nb NOOP\n', ' {1+}\r\nx {1+}\r\ny', ' {5}'])
    for (const chunks of [[`${long}${rest}\r\n${NEXT}`], [long, `${rest}\r`, `\n${NEXT}`]]) {
      const inputs = inputsOf(chunks.map(chunk => Buffer.from(chunk)))
      assert.equal(short(inputs), 'malformed a overlong|command z NOOP')
    }
})

test('all lines of a command together are bounded', () => {
  const line = `${'x'.repeat(MAX_LINE / 2)} {1+}\r\ny`
  assert.match(short(inputsOf([Buffer.from(`a ${line}${line}\r\n${NEXT}`)])), /\|malformed a overlong\|command z NOOP$/)
})

test('limits can be changed', () => {
  const reader = new InputReader({ line: 10, literals: 5 })
  assert.equal(
    short(inputsOf([Buffer.from(`a 3456789\r\na 34567890\r\nb {6}\r\n`)], reader)),
    'command a 3456789|malformed a overlong|malformed b literal-too-large',
  )
  reader.limits = { line: 100, literals: 6 }
  assert.equal(
    short(inputsOf([Buffer.from(`a 34567890\r\nb {6}\r\n123456\r\n`)], reader)),
    'command a 34567890|literal 0 6 plain [b ]|command b <123456>',
  )
})

test('literals in memory are bounded in number and octets; messages are not counted', () => {
  const many = 'a b' + ' {1+}\r\nx'.repeat(MAX_LITERALS + 1)
  assert.match(
    short(inputsOf([Buffer.from(`${many}\r\n${NEXT}`)])),
    /^literal.*\|malformed a too-many-literals\|command z NOOP$/,
  )
  const large = `a b {${MAX_LITERAL_OCTETS}+}\r\n${'x'.repeat(MAX_LITERAL_OCTETS)} {1+}\r\ny`
  assert.match(
    short(inputsOf([Buffer.from(`${large}\r\n${NEXT}`)])),
    /^literal.*\|malformed a literal-too-large\|command z NOOP$/,
  )
  const messages = 'a APPEND b' + ` {9000+}\r\n${'x'.repeat(9000)}`.repeat(100)
  assert.match(short(inputsOf([Buffer.from(`${messages}\r\n`)])), /\|command a APPEND b(?: <streamed>){100}$/)
})

test('a message that is taken into memory and does not fit is skipped and reported', () => {
  const reader = new InputReader({ line: 100, literals: 5 })
  reader.feed(Buffer.from(`a APPEND x {20}\r\nb DELETE y\r\n12345678\r\n${NEXT}`))
  assert.equal(reader.next('command')?.is, 'literal')
  reader.accept('memory')
  assert.deepEqual(reader.next('command'), { is: 'malformed', tag: 'a', why: 'literal-too-large' })
  assert.equal(short(inputsOf([Buffer.alloc(0)], reader)), 'command z NOOP')
})

test('a refused literal never comes, or is skipped with the rest', () => {
  for (const [text, rest] of [
    ['{5}', ''],
    ['{5+}', '12\r\n5 {3+}\r\nabc )\r\n'],
    ['{5+}', '12345 {3}\r\n'],
  ]) {
    const reader = new InputReader()
    reader.feed(Buffer.from(`a APPEND x ${text}\r\n${rest}${NEXT}`))
    assert.equal(reader.next('command')?.is, 'literal')
    reader.accept('refuse')
    assert.equal(short(inputsOf([Buffer.alloc(0)], reader)), 'command z NOOP')
  }
})

test('our own mistakes are thrown', () => {
  const reader = new InputReader()
  assert.throws(() => reader.accept('memory'))
  reader.feed(Buffer.from('a b {1}\r\n'))
  reader.next('command')
  assert.throws(() => reader.next('command'))
})

test('a skipped line is not held', () => {
  const reader = new InputReader()
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const seen: unknown[] = []
  for (let n = 0; n < 100; n++) {
    reader.feed(chunk)
    for (let input = reader.next('command'); input; input = reader.next('command')) seen.push(input)
    assert.ok(reader.buffered <= 64 * 1024)
  }
  assert.equal(seen.length, 1)
})

test('chunks make no difference', () => {
  const unit = fc.constantFrom(
    'a',
    ' ',
    '"',
    '\\',
    '{3}',
    '{2+}',
    '~{1+}',
    '\r\n',
    '\n',
    'APPEND b ',
    '{9999999999}',
    'UTF8 (',
  )
  const text = fc.string({ unit, maxLength: 40 })
  const cuts = fc.array(fc.nat(100), { maxLength: 10 })
  fc.assert(
    fc.property(text, cuts, (text, cuts) => {
      const bytes = Buffer.from(`a APPEND ${text}`)
      const whole = short(inputsOf([bytes], new InputReader({ line: 60, literals: 6 })))
      const places = [0, ...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const parts = places.slice(1).map((end, n) => bytes.subarray(places[n], end))
      assert.equal(short(inputsOf(parts, new InputReader({ line: 60, literals: 6 }))), whole)
      assert.equal(short(inputsOf(oneByOne(bytes), new InputReader({ line: 60, literals: 6 }))), whole)
    }),
    { numRuns: 1500 },
  )
})
