import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Input, InputReader } from './input.ts'
import { type Parsed, parseCommand } from './parse.ts'
import { inputsOf } from './said.ts'

const VALID = [
  'a CAPABILITY',
  'a ID ("name" "x" "version" NIL)',
  'a LOGIN {3}\r\njoe {4+}\r\nabcd',
  'a AUTHENTICATE PLAIN AGEAYg==',
  'a ENABLE QRESYNC IMAP4REV2',
  'a SELECT inbox (QRESYNC (67890007 20050715194045000 41,43:211 (1:2,5 9:10,20)))',
  'a CREATE "a b" (USE (\\Drafts \\Sent))',
  'a RENAME Entw&APw-rfe {5+}\r\nb&-cd',
  'a LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" %*%) RETURN (CHILDREN STATUS (MESSAGES SIZE) METADATA (/shared/a))',
  'a STATUS x (MESSAGES UIDNEXT)',
  'a APPEND x (\\Seen $Junk) "17-Jul-1996 02:44:25 -0700" {12+}\r\nabcdefghijkl () UTF8 (~{2}\r\nyz)',
  'a UID REPLACE 7 x {5+}\r\nSubje',
  'a FETCH 1:*,$ (FLAGS BODY.PEEK[1.2.HEADER.FIELDS.NOT (a "b")]<0.10> BINARY[1]<1.2> PREVIEW (LAZY)) (CHANGEDSINCE 12)',
  'a UID FETCH 1 FULL (PARTIAL -1:-30)',
  'a STORE 1,3:5 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Deleted a)',
  'a UID SEARCH RETURN (MIN PARTIAL 1:2) CHARSET ISO-8859-1 OR NOT (FROM "\xe9" 1:3) HEADER a {2+}\r\n\xe9b SINCE 1-Feb-1994',
  'a SORT RETURN () (REVERSE DATE) UTF-8 MODSEQ "/flags/x" all 7 KEYWORD b',
  'a THREAD REFERENCES UTF-8 UID $ OLDER 5',
  'a SETQUOTA "" (STORAGE 512)',
  'a SETACL x "a@b" +lrs',
  'a GETMETADATA (MAXSIZE 10 DEPTH 1) "" (/shared/a /private/b)',
  'a SETMETADATA x (/private/a NIL /private/b ~{2+}\r\n\0x)',
  'a NOTIFY SET STATUS (selected (MessageNew (uid) MessageExpunge)) (subtree (a b) NONE)',
]
const TOKENS = [
  '(',
  ')',
  '"',
  '\\',
  ' ',
  '{5}\r\n',
  '{3+}\r\n',
  '~{1+}\r\n',
  '\r\n',
  '\n',
  '\0',
  '\xff',
  '*',
  '%',
  '&',
  '[',
  ']',
  '<',
  '4294967296',
  '99999999999999999999',
  '{9999999999+}\r\n',
  '$',
  'NIL',
  '..',
  ':',
  ',',
  '-',
]

interface Mutation {
  readonly at: number
  readonly remove: number
  readonly insert: string
  readonly times: number
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(200),
  remove: fc.nat(4),
  insert: fc.oneof(
    fc.constantFrom(...TOKENS),
    fc.constantFrom(...VALID).map(text => text.slice(2, 20)),
  ),
  times: fc.constantFrom(0, 1, 1, 1, 2, 300),
})

const mutated: fc.Arbitrary<Buffer> = fc
  .tuple(fc.array(fc.constantFrom(...VALID), { minLength: 1, maxLength: 3 }), fc.array(mutation, { maxLength: 5 }))
  .map(([commands, mutations]) => {
    let text = `${commands.join('\r\n')}\r\n`
    for (const { at, remove, insert, times } of mutations) {
      const place = at % text.length
      text = text.slice(0, place) + insert.repeat(times) + text.slice(place + remove)
    }
    return Buffer.from(text, 'latin1')
  })

/** What the loop would hear of an input; the parts of what is streamed depend on the chunks, so their bytes are put together. */
function heard(inputs: readonly Input[], utf8: boolean): unknown[] {
  const all: unknown[] = []
  let content = ''
  for (const input of inputs) {
    if (input.is === 'content') content += input.bytes.toString('latin1')
    else if (input.is === 'command') all.push(checked(parseCommand(input.command, { utf8 })))
    else if (input.is === 'content-end') {
      all.push(content)
      content = ''
    } else all.push(input)
  }
  return all
}

/** What is said to people must fit a response line. */
function checked(parsed: Parsed): Parsed {
  if (parsed.is !== 'command') assert.match(parsed.text, /^[ -~]{5,120}$/)
  assert.match(parsed.tag, /^[^\s(){%"\\+]{1,200}$/)
  return parsed
}

const LIMITS = { line: 4000, literals: 1000 }

test('mutated commands never throw, and chunks make no difference', () => {
  fc.assert(
    fc.property(mutated, fc.boolean(), (bytes, utf8) => {
      const whole = heard(inputsOf([bytes], new InputReader(LIMITS)), utf8)
      const reader = new InputReader(LIMITS)
      const single: Input[] = []
      for (const byte of bytes) {
        single.push(...inputsOf([Buffer.from([byte])], reader))
        // The line, or the literal that is waited for.
        assert.ok(reader.buffered <= LIMITS.line)
      }
      assert.deepEqual(heard(single, utf8), whole)
    }),
    { numRuns: 1500 },
  )
})

test('whatever came before, the reader finds the next command', () => {
  fc.assert(
    fc.property(mutated, bytes => {
      const reader = new InputReader(LIMITS)
      inputsOf([bytes], reader)
      // Enough to end a literal of three digits that may be open.
      const last = inputsOf([Buffer.from(`${'\r\n'.repeat(3000)}z NOOP\r\n`)], reader).at(-1)
      if (/\d{4,}\+?\}/.test(bytes.toString('latin1'))) return
      assert.ok(last?.is === 'command')
      const parsed = parseCommand(last.command, { utf8: false })
      assert.ok(parsed.is !== 'command' || parsed.command.name === 'NOOP')
    }),
    { numRuns: 1000 },
  )
})

test('a command of 64 KB that comes byte by byte is scanned once', () => {
  const bytes = Buffer.from(`a FETCH ${'1,'.repeat(9_000)}1 FLAGS\r\nb LOGIN x {60000}\r\n${'"{5}'.repeat(15_000)}\r\n`)
  const reader = new InputReader()
  const inputs: Input[] = []
  for (const byte of bytes) inputs.push(...inputsOf([Buffer.from([byte])], reader))
  assert.deepEqual(
    inputs.map(({ is }) => is),
    ['command', 'literal', 'command'],
  )
  // All chunks before the first `next`: their list is not walked again and again either.
  const late = new InputReader()
  for (const byte of bytes) late.feed(Buffer.from([byte]))
  assert.equal(inputsOf([Buffer.alloc(0)], late).length, 3)
})
