import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { answerLocally, parseHosts, readSmallFile } from './hosts.ts'

const hosts = parseHosts(`
# a comment
192.0.2.25\tSmarthost.example.test smarthost # another
192.0.2.26  smarthost
2001:db8::6 six.example.test
0.0.0.0 blocked.example.test
::      blocked.example.test
nonsense here
192.0.2.27
`)

const none = (name: 'missing' | 'exists') => ({ is: 'none', name, authentic: false })
const found = (...records: string[]) => ({ is: 'found', records, ttl: 0, authentic: false })

for (const [name, type, answer] of [
  ['smarthost.example.test', 'A', found('192.0.2.25')],
  ['smarthost', 'A', found('192.0.2.25', '192.0.2.26')],
  ['smarthost', 'AAAA', none('exists')],
  ['smarthost', 'MX', undefined],
  ['six.example.test', 'AAAA', found('2001:db8::6')],
  ['blocked.example.test', 'A', undefined],
  ['here', 'A', undefined],
  ['other.example.test', 'A', undefined],
  ['localhost', 'A', found('127.0.0.1')],
  ['a.localhost', 'AAAA', found('::1')],
  ['localhost', 'MX', none('exists')],
  ['localhost', 'TXT', none('exists')],
  ['a.invalid', 'A', none('missing')],
  ['invalid', 'MX', none('missing')],
  ['a.onion', 'A', none('missing')],
  ['notlocalhost', 'A', undefined],
] as const) {
  test(`${type} ${name} without a server`, () => assert.deepEqual(answerLocally(name, type, hosts), answer))
}

test('a large hosts file is read up to the last whole line of its first MB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hosts-'))
  try {
    const path = join(folder, 'hosts')
    const line = '192.0.2.1 some.example.test\n'
    writeFileSync(path, line.repeat(50_000))
    const text = readSmallFile(path)
    assert.equal(text.length, Math.floor((1024 * 1024) / line.length) * line.length)
    assert.equal(readSmallFile(join(folder, 'absent')), '')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
