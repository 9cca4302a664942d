/**
 * What we make of messages against what Dovecot 2.3 makes of them, field by field: ENVELOPE, BODY, BODYSTRUCTURE, and the bytes of every
 * section. Nasty messages of our own, and mime4j's.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { describe } from '../../src/mail/describe.ts'
import type { Part } from '../../src/mail/description.ts'
import { askDovecot, DOVECOT_IMAP, type Fetched, readTree, type Tree } from './dovecot-stdio.ts'
import { FROM, MESSAGES } from './structure-messages.ts'
import { missingRights, needs } from './program.ts'

interface Difference {
  /** All other items are the same. */
  readonly items: RegExp
  readonly why: string
}

/** Where we answer otherwise. */
const NO_TYPE: Difference = {
  items: /^BODY(?:STRUCTURE)?$/,
  why: 'RFC 2045 §5.2: what is no type counts as text/plain; Dovecot answers empty strings, of which no client can make anything',
}
const EMPTY_PART: Difference = {
  items: /MIME/,
  why: 'an empty part without an empty line, or with nothing else: whose line end it is before the delimiter, no RFC says',
}
const CLOSED: Difference = {
  items: /^BODY\[\d\]$/,
  why: 'RFC 2046 §5.1.1: the line end before a delimiter belongs to it, also right behind a close delimiter',
}
const LENIENT: Difference = {
  items: /^BODY(?:STRUCTURE)?$/,
  why: 'RFC 2045 §4: without MIME-Version, Dovecot forgets Content fields when Content-Type is not among them; we take them as they are meant',
}
const BOUNDARY: Difference = {
  items: /^BODY/,
  why: 'RFC 2046 §5.1.1: boundaries have 70 characters; Dovecot compares 80, we 1,000',
}
const BARE_LF: Difference = {
  items: /^BODY/,
  why: 'RFC 9051 §2.3.4: Dovecot sends, and counts, CRLF for a bare LF; what we keep comes back byte for byte',
}
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'a type without subtype': NO_TYPE,
  'an empty Content-Type': NO_TYPE,
  'an empty encoding, a type that is missing': NO_TYPE,
  'a type that is only a subtype': NO_TYPE,
  'a type of three': NO_TYPE,
  'a quoted type': NO_TYPE,
  'a multipart without subtype': NO_TYPE,
  'a comment without end in a type': NO_TYPE,
  'a quoted disposition': {
    items: /^BODYSTRUCTURE$/,
    why: 'RFC 2183 §2: what is no token is no disposition; Dovecot answers an empty one',
  },
  'a part whose header has no end': EMPTY_PART,
  'parts that are only a delimiter, or an empty line': EMPTY_PART,
  'multipartdigestnestedemptyparts.msg': EMPTY_PART,
  'multipartnestedemptyparts.msg': EMPTY_PART,
  'multipartnestedemptypartsnorfc822.msg': EMPTY_PART,
  'boundary-name-clash.msg': CLOSED,
  'missing-inner-start-boundary.msg': CLOSED,
  'message/global': { items: /^BODY/, why: 'RFC 9051 §9: media-message has GLOBAL, too' },
  'continuations and charsets of parameters': {
    items: /^BODY(?:STRUCTURE)?$/,
    why: 'Dovecot sends name* as name*1* when it follows other continued parameters',
  },
  'continuations with a hole, an empty parameter': {
    items: /^BODY(?:STRUCTURE)?$/,
    why: 'Dovecot loses the parameter behind an empty one',
  },
  'Content fields without MIME-Version or Content-Type': LENIENT,
  'folded texts': LENIENT,
  'From: "a . b @ c . d"': {
    items: /^ENVELOPE$/,
    why: 'RFC 5322 §4.4: white space may stand around dots; Dovecot takes the address for a name',
  },
  'CR, LF and NUL in a text': BARE_LF,
  'bare LF': BARE_LF,
  'very-long-boundary.msg': BOUNDARY,
  'very-very-long-boundary.msg': BOUNDARY,
}

const folder = join(import.meta.dirname, '../../../shared/vectors/mime')
const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.msg')) : []

/** With CRLF: Dovecot counts a bare LF as two octets, because it sends two. */
const vectors = names.map(name => {
  const text = readFileSync(join(folder, name), 'latin1').replace(/\r?\n/g, '\r\n')
  return [name, text] as const
})
const senders = FROM.map(value => [`From: ${JSON.stringify(value)}`, `From: ${value}\r\n\r\n`] as const)
const messages = [...MESSAGES, ...senders, ...vectors].map(([name, text]) => ({
  name,
  bytes: Buffer.from(text, 'latin1'),
}))

const others = [...missingRights(), ...(existsSync(DOVECOT_IMAP) ? [] : ['dovecot-imapd'])]
const { missing, skip, excuse } = needs(['sh', 'cat'], others)

void test('structure: everything is there', { skip: excuse }, () => assert.deepEqual(missing, []))
void test("structure: mime4j's messages are there", {
  skip: names.length === 0 && 'left out: ../shared/vectors/mime is not there',
}, () => {
  assert.ok(names.length > 30)
})

let fetched: readonly Fetched[] = []
before(async () => {
  if (skip !== false) return
  fetched = await askDovecot(messages.map(({ bytes }) => ({ bytes, items: itemsOf(bytes) })))
})

function itemsOf(bytes: Buffer): string {
  const sections = [...sectionsOf(bytes).keys()].map(section => section.replace('BODY[', 'BODY.PEEK['))
  return ['ENVELOPE', 'BODY', 'BODYSTRUCTURE', ...sections].join(' ')
}

for (const [place, { name, bytes }] of messages.entries()) {
  void test(`structure: as Dovecot: ${name}`, { skip }, () => {
    const ours = answersOf(bytes)
    const theirs = new Map([...(fetched[place] ?? [])].map(([item, tree]) => [item, comparable(item, tree)]))
    const different = DIFFERENCES[name]?.items
    if (different) assert.notDeepEqual(ours, theirs)
    const same = (answers: ReadonlyMap<string, Tree>) => [...answers].filter(([item]) => different?.test(item) !== true)
    assert.deepEqual(new Map(same(ours)), new Map(same(theirs)))
  })
}

function answersOf(bytes: Buffer): Map<string, Tree> {
  const { envelope, body, structure } = describe(bytes)
  const texts = { ENVELOPE: envelope, BODY: body, BODYSTRUCTURE: structure }
  const trees = Object.entries(texts).map(([item, text]) => {
    const sent = Buffer.from(text).toString('latin1')
    const { tree, end } = readTree(sent)
    assert.equal(end, sent.length)
    assert.doesNotMatch(sent.replace(/\{\d+\}\r\n/g, ''), /\0/)
    return [item, tree] as const
  })
  return new Map([...trees, ...[...sectionsOf(bytes)].map(([item, text]) => [item, comparable(item, text)] as const)])
}

/** Dovecot sends 0x80 for NUL, which no string may have. */
function comparable(item: string, tree: Tree): Tree {
  return item.includes('[') && typeof tree === 'string' ? tree.replaceAll('\0', '\x80') : tree
}

/** RFC 9051 §6.4.5.1: all sections that the message has. */
function sectionsOf(bytes: Buffer): Map<string, string> {
  const sections = new Map<string, string>()
  const add = (section: string, start: number, end: number) =>
    sections.set(`BODY[${section}]`, bytes.toString('latin1', start, end))
  const addMessage = (message: Part, prefix: string): void => {
    add(`${prefix}HEADER`, message.start, message.body)
    add(`${prefix}TEXT`, message.body, message.end)
    if (message.type.startsWith('multipart/')) addParts(message, prefix)
    else addPart(message, `${prefix}1`)
  }
  const addParts = ({ parts }: Part, prefix: string): void => {
    for (const [place, part] of parts.entries()) addPart(part, `${prefix}${place + 1}`)
  }
  const addPart = (part: Part, path: string): void => {
    add(path, part.body, part.end)
    add(`${path}.MIME`, part.start, part.body)
    const [inner] = part.parts
    if (part.type.startsWith('multipart/')) addParts(part, `${path}.`)
    else if (inner) addMessage(inner, `${path}.`)
  }
  add('', 0, bytes.length)
  addMessage(describe(bytes).part, '')
  return sections
}
