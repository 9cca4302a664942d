import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type BodyItem, bodyName, eachPiece } from './fetch-body.ts'
import type { FetchedMail } from './fetched-mail.ts'

const [HEAD, STAMP] = ['Delivered-To: a\r\n', 'Received: b\r\n']
const FILE = Buffer.alloc(300_000, 'abcdefghijklmnopqrstuvwxyz\r\n')
const WHOLE = Buffer.concat([Buffer.from(HEAD + STAMP), FILE])

async function mailOf(t: TestContext): Promise<FetchedMail> {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-fetch-'))
  const path = join(folder, 'body')
  writeFileSync(path, FILE)
  const file: FileHandle = await open(path)
  t.after(async () => {
    await file.close()
    rmSync(folder, { recursive: true })
  })
  return {
    seq: 1,
    uid: 1,
    flags: 0,
    modseq: 1,
    row: undefined,
    envelope: undefined,
    body: undefined,
    structure: undefined,
    preview: undefined,
    parts: undefined,
    head: Buffer.from(HEAD),
    content: { in: 'file', path, head: Buffer.from(STAMP), size: STAMP.length + FILE.length },
    file,
  }
}

const unhurried = { worked: () => undefined, room: () => undefined, gone: false }

test('any range is what lies there: of the head, of what we stamped, of the file', async t => {
  const mail = await mailOf(t)
  const edge = HEAD.length + STAMP.length
  const place = fc.oneof(fc.integer({ min: 0, max: edge + 10 }), fc.integer({ min: 0, max: WHOLE.length }))
  await fc.assert(
    fc.asyncProperty(place, place, async (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      const pieces: Uint8Array[] = []
      await eachPiece(mail, [from, to], piece => pieces.push(piece), unhurried)
      assert.deepEqual(Buffer.concat(pieces), WHOLE.subarray(from, to))
    }),
  )
})

test('the next part of a file is read when there is room for it', async t => {
  const mail = await mailOf(t)
  let taken = 0
  const waiting: (() => void)[] = []
  const room = (): Promise<void> => new Promise(resolve => void waiting.push(resolve))
  const reading = eachPiece(mail, [0, WHOLE.length], piece => (taken += piece.length), { ...unhurried, room })
  const before: number[] = []
  while (taken < WHOLE.length) {
    while (waiting.length === 0) await new Promise(setImmediate)
    await new Promise(resolve => setTimeout(resolve, 5))
    before.push(taken)
    waiting.shift()?.()
  }
  assert.deepEqual(before.length, 3)
  waiting.shift()?.()
  await reading
})

test('nothing more is read for who has gone', async t => {
  const mail = await mailOf(t)
  let pieces = 0
  const pace = {
    ...unhurried,
    get gone() {
      return pieces > 2
    },
  }
  await eachPiece(mail, [0, WHOLE.length], () => pieces++, pace)
  assert.equal(pieces, 3)
})

test('field names come back as octets that are counted right, whatever a client asks for', () => {
  const named = (...fields: string[]): string => {
    const section: BodyItem['section'] = { part: [1], text: { is: 'HEADER.FIELDS', fields } }
    return bodyName({ item: 'BODY[]', section, peek: true, partial: undefined })
  }
  assert.equal(named('Subject', 'X-Y'), 'BODY[1.HEADER.FIELDS (Subject X-Y)] ')
  // One character for each octet: this is how UTF-8 comes in.
  assert.equal(named('\xc3\xa9', 'a b', 'a\r\nb'), 'BODY[1.HEADER.FIELDS ({2}\r\n\xc3\xa9 "a b" {4}\r\na\r\nb)] ')
})
