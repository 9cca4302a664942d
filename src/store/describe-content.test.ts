import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describe } from '../mail/describe.ts'
import { describeContent } from './describe-content.ts'

const folder = mkdtempSync(join(tmpdir(), 'describe-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function message(attachment: number): Buffer {
  const text = 'Words that are looked for, on many lines.\r\n'.repeat(5000)
  const parts = ['Content-Type: text/plain\r\n\r\nFirst words', `Content-Type: text/plain\r\n\r\n${text}`]
  const binary = `Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${'QUJD\r\n'.repeat(attachment)}`
  const inner = 'Content-Type: message/rfc822\r\n\r\nSubject: the last\r\n\r\nLast words'
  const body = [...parts, binary, inner].map(part => `--a\r\n${part}\r\n`).join('')
  return Buffer.from(
    `Received: x\r\nSubject: large\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n${body}--a--\r\n`,
  )
}

for (const head of [0, 13, 60, 300_000]) {
  void test(`a file with a stamped head of ${head} bytes is described as what is in memory is`, async () => {
    const bytes = message(100_000)
    const path = join(folder, `${head}`)
    writeFileSync(path, bytes.subarray(head))
    const content = { in: 'file', path, head: bytes.subarray(0, head), size: bytes.length } as const
    assert.deepEqual(await describeContent(content), describe(bytes))
    assert.deepEqual(describeContent({ in: 'memory', bytes }), describe(bytes))
  })
}

void test('a file that is gone or too short is an error', async () => {
  const path = join(folder, 'short')
  writeFileSync(path, 'a: b\r\n\r\n')
  const content = { in: 'file', path, head: Buffer.alloc(0), size: 9 } as const
  await assert.rejects(async () => describeContent(content))
  await assert.rejects(async () => describeContent({ ...content, path: `${path}-gone` }))
  assert.equal((await describeContent({ ...content, size: 8 })).header, 8)
})
