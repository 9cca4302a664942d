import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Deliver } from '../config/define.ts'
import { parseAddress } from '../mail/address.ts'
import type { Content } from '../mail/content.ts'
import type { Job } from './attempt.ts'
import { callFunction } from './function.ts'

function job(content: Content, ...to: string[]): Job {
  const recipients = to.map(text => {
    const address = parseAddress(text, { smtputf8: false })
    assert.ok(address)
    return { address, notify: undefined, original: undefined }
  })
  const envelope = {
    returnPath: '<>',
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    holdUntil: undefined,
  } as const
  return { id: 'abc', envelope, content, recipients }
}

const MEMORY: Content = { in: 'memory', bytes: Buffer.from('Subject: x\r\n\r\nbody\r\n') }

const ANSWERS: readonly [string, Deliver, string[]][] = [
  ['one answer for all', async () => ({ is: 'delivered' }), ['delivered', 'delivered']],
  [
    'an answer for each',
    async () => [{ is: 'delivered' }, { is: 'bounced', reason: 'no', status: '5.1.1' }],
    ['delivered', 'bounced 5.1.1'],
  ],
  ['an answer too few', async () => [{ is: 'deferred', reason: 'later' }], ['deferred 4.3.0', 'deferred 4.3.0']],
  [
    'it throws',
    async () => {
      throw new Error('oops')
    },
    ['deferred 4.3.0', 'deferred 4.3.0'],
  ],
  ['it never answers', () => new Promise(() => undefined), ['deferred 4.3.0', 'deferred 4.3.0']],
]

for (const [name, deliver, expected] of ANSWERS) {
  test(`a function of the configuration: ${name}`, async () => {
    const outcomes = await callFunction(deliver, job(MEMORY, 'a@x.test', 'b@x.test'), 50)
    assert.deepEqual(
      outcomes.map(outcome => (outcome.is === 'delivered' ? outcome.is : `${outcome.is} ${outcome.status}`)),
      expected,
    )
  })
}

test('a function that is not there any more: tried again later', async () => {
  const [outcome] = await callFunction(undefined, job(MEMORY, 'a@x.test'))
  assert.equal(outcome?.is, 'deferred')
})

test('it is handed the envelope and the whole content, also of a file', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-function-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'body')
  writeFileSync(path, 'rest of it')
  const file: Content = { in: 'file', path, head: Buffer.from('head and '), size: 19 }
  for (const [content, whole] of [
    [MEMORY, 'Subject: x\r\n\r\nbody\r\n'],
    [file, 'head and rest of it'],
  ] as const) {
    let seen = ''
    await callFunction(
      async message => {
        const chunks: Uint8Array[] = []
        for await (const chunk of message.content()) chunks.push(chunk)
        seen = `${message.id} <${message.returnPath}> ${message.recipients.join()} ${message.size} ${Buffer.concat(chunks).toString()}`
        return { is: 'delivered' }
      },
      job(content, 'a@x.test'),
    )
    assert.equal(seen, `abc <> a@x.test ${whole.length} ${whole}`)
  }
})
