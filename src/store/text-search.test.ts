import assert from 'node:assert/strict'
import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { suite, test, type TestContext } from 'node:test'
import type { Content } from '../mail/content.ts'
import { NO_FLAGS } from '../mail/flags.ts'
import { bodyPath } from '../storage/bodies.ts'
import { clock, fakeStorage, nextId } from '../storage/sqlite/fake-mail.ts'
import { describeContent } from './describe-content.ts'
import { type Chance, chance, type FakeMessage, fakeMessage } from './fake-messages.ts'
import { startIndexer } from './indexer.ts'
import { openTextSearch, type TextKey } from './text-search.ts'

const INBOX = 1

function open(t: TestContext) {
  const storage = fakeStorage(close => t.after(close))
  const { reader, mail, ask, data } = storage
  let breaths = 0
  const search = openTextSearch({
    reader: mail,
    content: id => reader.content(id),
    breathe() {
      breaths++
      return undefined
    },
  })

  async function append(contents: readonly Content[]): Promise<void> {
    const messages = await Promise.all(
      contents.map(async content => {
        const description = await describeContent(content)
        return { id: nextId(), at: clock.now, content, description, flags: NO_FLAGS }
      }),
    )
    ask('append', { mailbox: INBOX, owner: 1, messages, replaces: undefined })
  }

  /** As a file of the bodies. */
  async function appendFile(bytes: Buffer): Promise<number> {
    const id = nextId()
    const path = bodyPath(data, id)
    const head = bytes.subarray(0, 20)
    writeFileSync(path, bytes.subarray(20))
    const content: Content = { in: 'file', path, head, size: bytes.length }
    const description = await describeContent(content)
    const messages = [{ id, at: clock.now, content, description, flags: NO_FLAGS }]
    ask('append', { mailbox: INBOX, owner: 1, messages, replaces: undefined })
    return id
  }

  /** All that is waiting to be described and indexed is, when it resolves. */
  async function index(): Promise<void> {
    const indexer = startIndexer({
      reader: mail,
      storage: { ask: async (name, input) => ({ ok: ask(name, input) }) },
      content: id => reader.content(id),
      sleep: async () => undefined,
      now: () => clock.now,
    })
    indexer.wake()
    for (let turn = 0; turn < 1000 && (mail.undescribed(1).length > 0 || mail.unindexed(1).length > 0); turn++) {
      await new Promise(resolve => setImmediate(resolve))
    }
    indexer.stop()
  }

  const find = async (key: TextKey, among?: readonly number[]): Promise<number[]> => [
    ...(await search.find(INBOX, key, among ? Uint32Array.from(among) : mail.mails(INBOX).uids)),
  ]
  return { ...storage, search, append, appendFile, index, find, breaths: () => breaths }
}

const memory = (text: string | Buffer): Content => ({ in: 'memory', bytes: Buffer.from(text) })

/** As the words of the RFCs say it. */
const fold = (text: string): string => text.normalize('NFKD').toUpperCase().toLowerCase().replaceAll('ς', 'σ')

/** What each key looks at, folded once. */
function piecesOf({ fields, inner, bodies }: FakeMessage) {
  const lines = fields.map(([name, value]) => `${name}: ${value}`)
  return {
    fields: fields.map(([name, value]) => [name.toLowerCase(), fold(value)] as const),
    TEXT: [...lines, ...inner, ...bodies].map(fold),
    BODY: bodies.map(fold),
  }
}

function holds(pieces: ReturnType<typeof piecesOf>, key: TextKey): boolean {
  const text = fold(key.text)
  if (key.is !== 'HEADER') return pieces[key.is].some(piece => piece.includes(text))
  return pieces.fields.some(([name, value]) => name === key.field && value.includes(text))
}

/** Of what is in a message somewhere, or was nearly. */
function someKey(messages: readonly FakeMessage[], next: Chance): TextKey {
  const message = messages[next(messages.length)]
  const [field = 'Subject', value = ''] = message?.fields[next(message.fields.length)] ?? []
  const pieces = [value, ...(message?.bodies ?? []), ...(message?.inner ?? [])]
  const piece = Array.from((pieces[next(pieces.length)] ?? '').replace(/[\r\n]/g, ''))
  const start = next(piece.length + 1)
  const cut = piece.slice(start, start + 1 + next(20)).join('') || 'x'
  const text = [cut, cut.toUpperCase(), cut.toLowerCase(), `${cut}x`][next(4)] ?? ''
  switch (next(3)) {
    case 0:
      return { is: 'TEXT', text }
    case 1:
      return { is: 'BODY', text }
    default:
      return { is: 'HEADER', field: field.toLowerCase(), text: next(8) === 0 ? '' : text.trim() }
  }
}

/** UIDs that a naive reader finds among messages 1, 2, 3, … */
const expect = (pieces: readonly ReturnType<typeof piecesOf>[], key: TextKey): number[] =>
  pieces.flatMap((of, n) => (holds(of, key) ? [n + 1] : []))

suite('searching texts', () => {
  test('finds what a naive reader finds, with the index and without it', async t => {
    const next = chance(2025)
    const { append, index, find, mail } = open(t)
    const messages = Array.from({ length: 1200 }, () => fakeMessage(next))
    const pieces = messages.map(piecesOf)
    await append(messages.map(({ bytes }) => memory(bytes)))
    const keys = Array.from({ length: 100 }, () => someKey(messages, next))
    const expected = keys.map(key => expect(pieces, key))
    for (const indexed of [false, true]) {
      if (indexed) await index()
      assert.deepEqual(mail.indexBlocks(INBOX), indexed ? [0] : [])
      for (const [n, key] of keys.entries()) {
        assert.deepEqual(await find(key), expected[n], `${JSON.stringify(key)}, indexed: ${indexed}`)
      }
    }
    assert.ok(expected.some(found => found.length > 100) && expected.some(found => found.length === 0))
  })

  test('several keys are those that fit all of them, among those that are asked about', async t => {
    const next = chance(7)
    const { append, search, find, breaths } = open(t)
    const messages = Array.from({ length: 200 }, () => fakeMessage(next))
    const pieces = messages.map(piecesOf)
    await append(messages.map(({ bytes }) => memory(bytes)))
    const among = Uint32Array.from(messages.keys()).filter(uid => uid % 3 === 1)
    for (let n = 0; n < 30; n++) {
      const keys = [someKey(messages, next), someKey(messages, next)]
      const fits = (uid: number): boolean => keys.every(key => expect(pieces, key).includes(uid))
      assert.deepEqual([...(await search.findAll(INBOX, keys, among))], [...among].filter(fits))
    }
    assert.deepEqual(
      await find({ is: 'BODY', text: '' }),
      [...messages.keys()].map(n => n + 1),
    )
    assert.deepEqual(await find({ is: 'TEXT', text: 'x' }, []), [])
    assert.deepEqual(await find({ is: 'TEXT', text: 'a' }, [5000]), [])
    assert.ok(breaths() > 200)
  })

  test('the lines of a copy are searched as part of its header, also in the index', async t => {
    const { append, deliver, index, find } = open(t)
    for (let n = 0; n < 3; n++)
      deliver(1, 20, `Return-Path: <sender${n}@a.example>\r\nDelivered-To: anna@home.test\r\n`)
    await append(Array.from({ length: 1021 }, () => memory('Subject: x\r\n\r\nnothing\r\n')))
    for (const indexed of [false, true]) {
      if (indexed) await index()
      assert.deepEqual(await find({ is: 'TEXT', text: 'SENDER1@a.example' }), [2])
      assert.deepEqual(await find({ is: 'TEXT', text: 'delivered-to: anna' }), [1, 2, 3])
      assert.deepEqual(await find({ is: 'BODY', text: 'sender1' }), [])
      assert.deepEqual(await find({ is: 'HEADER', field: 'return-path', text: 'sender2' }), [3])
      assert.deepEqual(await find({ is: 'HEADER', field: 'Return-Path', text: '' }), [1, 2, 3])
    }
  })

  test('what has no description yet is looked at, and what is gone is not found', async t => {
    const { deliver, append, ask, index, find } = open(t)
    deliver(1, 20, '', false)
    await append([memory('Subject: yyyy\r\n\r\n'), memory('Subject: yyyy\r\n\r\n')])
    assert.deepEqual(await find({ is: 'TEXT', text: 'YYYY' }), [1, 2, 3])
    await index()
    assert.deepEqual(await find({ is: 'TEXT', text: 'YYYY' }), [1, 2, 3])
    ask('expunge', { mailbox: INBOX, uids: [[2, 2]], which: 'all' })
    assert.deepEqual(await find({ is: 'TEXT', text: 'YYYY' }, [1, 2, 3]), [1, 3])
  })

  test('fields by their name, of the message and not of messages in it', async t => {
    const { append, find } = open(t)
    const inner = 'From: inner@a.example\r\nSubject: secret plan\r\n\r\nthe body\r\n'
    await append([
      memory(`From: outer@a.example\r\nContent-Type: message/rfc822\r\n\r\n${inner}`),
      memory(`from : "Zo\u00eb" <z@a.example>\r\nSubject: =?utf-8?Q?b=C3=BCro?=\r\n\r\nFrom: outer@a.example\r\n`),
    ])
    assert.deepEqual(await find({ is: 'HEADER', field: 'from', text: 'INNER' }), [])
    assert.deepEqual(await find({ is: 'HEADER', field: 'from', text: 'outer' }), [1])
    assert.deepEqual(await find({ is: 'HEADER', field: 'from', text: 'zoe' }), [2])
    assert.deepEqual(await find({ is: 'HEADER', field: 'subject', text: 'BÜRO' }), [2])
    assert.deepEqual(await find({ is: 'TEXT', text: 'Secret plan' }), [1])
    assert.deepEqual(await find({ is: 'BODY', text: 'secret plan' }), [])
    assert.deepEqual(await find({ is: 'BODY', text: 'the body' }), [1])
    assert.deepEqual(await find({ is: 'HEADER', field: 'x-none', text: '' }), [])
  })

  test('large texts are read in pieces, and nothing is lost between them', async t => {
    const { appendFile, find } = open(t)
    const line = 'Straße und Öl, und so weiter.\r\n'
    const PIECE = 256 * 1024
    const header = 'Subject: large\r\nContent-Type: text/plain; charset=utf-8\r\n'
    const body = Buffer.from(line.repeat(150_000))
    for (const encoding of ['8bit', 'base64']) {
      const start = Buffer.from(`${header}Content-Transfer-Encoding: ${encoding}\r\n\r\n`)
      const marked = Buffer.from(body)
      const scale = encoding === 'base64' ? 3 / 4 : 1
      for (const at of [3, 7]) marked.set(Buffer.from('NADELÖHR'), Math.floor(at * PIECE * scale) - 4)
      const text = encoding === 'base64' ? Buffer.from(marked.toString('base64')) : marked
      await appendFile(Buffer.concat([start, text]))
    }
    await appendFile(Buffer.concat([Buffer.from(`${header}\r\n`), body.subarray(0, 2 * PIECE)]))
    assert.deepEqual(await find({ is: 'TEXT', text: 'nadelöhr' }), [1, 2])
    assert.deepEqual(await find({ is: 'BODY', text: 'weiter.\r\nSTRASSE' }), [1, 2, 3])
    assert.deepEqual(await find({ is: 'BODY', text: 'nicht darin' }), [])
    assert.deepEqual(await find({ is: 'HEADER', field: 'subject', text: 'large' }), [1, 2, 3])
  })

  test('a mail whose file is gone or too short is left out', async t => {
    const { appendFile, find, data } = open(t)
    const bytes = Buffer.from(`Subject: there\r\n\r\n${'some text\r\n'.repeat(40_000)}`)
    await appendFile(bytes)
    const short = await appendFile(bytes)
    const gone = await appendFile(bytes)
    truncateSync(bodyPath(data, short), 1000)
    rmSync(bodyPath(data, gone))
    assert.deepEqual(await find({ is: 'BODY', text: 'some text' }), [1])
    assert.deepEqual(await find({ is: 'HEADER', field: 'subject', text: 'there' }), [1])
  })
})
