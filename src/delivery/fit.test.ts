import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Content } from '../mail/content.ts'
import type { Envelope } from '../mail/envelope.ts'
import { parseAbilities } from '../smtp/abilities.ts'
import { fit } from './fit.ts'

const SEVEN_BIT = parseAbilities({ code: 250, status: undefined, text: ['old.test'] })
const ENVELOPE: Envelope = {
  returnPath: '<>',
  body: '8BITMIME',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  holdUntil: undefined,
}
const MESSAGE =
  'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngrüß\r\n'

test('files are converted in memory as long as there is room for them; what finds none comes again later', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-fit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'content')
  writeFileSync(path, MESSAGE)
  const content: Content = { in: 'file', path, head: Buffer.alloc(0), size: Buffer.byteLength(MESSAGE) }
  const room = { held: 0, limit: content.size + 1 }

  const first = await fit(ENVELOPE, content, SEVEN_BIT, room)
  assert.ok(first.is === 'fits' && first.body === '7BIT')
  assert.equal(room.held, content.size)
  const second = await fit(ENVELOPE, content, SEVEN_BIT, room)
  assert.ok(second.is === 'unfit' && second.status === '4.3.1')
  room.held -= first.held
  assert.equal(room.held, 0)
  // One that is larger than all the room goes when nothing else does.
  assert.equal((await fit(ENVELOPE, content, SEVEN_BIT, { held: 0, limit: 1 })).is, 'fits')

  writeFileSync(path, MESSAGE.replace('text/plain', 'multipart/signed; boundary=x'))
  const unfit = await fit(ENVELOPE, content, SEVEN_BIT, room)
  assert.equal(unfit.is, 'unfit')
  assert.equal(room.held, 0)
})
