import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient, type SendResult } from './client.ts'
import { startFakeHost } from './delivery/fake-host.ts'
import { selfSigned } from './net/self-signed.ts'

function shown(results: readonly SendResult[]): string[] {
  return results.map(({ to, outcome }) => `${to} ${outcome.is} ${outcome.reply?.code ?? '-'}`)
}

test('a program sends', async () => {
  const answer = (command: string) => (command.includes('b@') ? '550 5.1.1 who' : undefined)
  const host = await startFakeHost({ offers: ['DSN', 'PIPELINING'], answer })
  const client = createClient({ host: '127.0.0.1', port: host.port, name: 'us.test', pool: { connections: 1 } })
  const results = await Promise.all([
    client.send({ from: 'a@us.test', to: ['a@x.test', 'b@x.test'], content: 'Subject: x\n\nhello\n.\n' }),
    client.send({ from: '', to: 'c@x.test', content: Buffer.from('a\rb\nc\r\n'), dsn: { notify: [], ret: 'HDRS' } }),
  ])
  assert.deepEqual(results.map(shown), [['a@x.test delivered 250', 'b@x.test bounced 550'], ['c@x.test delivered 250']])
  assert.deepEqual(host.contents.map(String), ['Subject: x\r\n\r\nhello\r\n.\r\n', 'a\r\nb\r\nc\r\n'])
  assert.equal(host.connections, 1)
  assert.ok(host.commands.includes('RCPT TO:<c@x.test> NOTIFY=NEVER ORCPT=rfc822;c@x.test'))
  await client.close()
  await host.close()
})

test('log-in over TLS', async () => {
  const tls = selfSigned('host.test')
  const host = await startFakeHost({
    offers: ['STARTTLS', 'AUTH PLAIN'],
    tls,
    answer: command => (command.startsWith('AUTH') ? '235 2.7.0 in' : undefined),
  })
  const auth = { user: 'tim', pass: 'tanstaaftanstaaf' }
  const resolver = (await import('./dns/fake.ts')).createFakeResolver({ 'host.test': { a: ['127.0.0.1'] } })
  const client = createClient({ host: 'host.test', port: host.port, auth, ca: tls.cert, resolver })
  assert.deepEqual(shown(await client.send({ from: 'a@us.test', to: 'a@x.test', content: 'x' })), [
    'a@x.test delivered 250',
  ])
  assert.ok(host.commands.includes('AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm'))
  const wary = createClient({ host: 'host.test', port: host.port, auth, resolver })
  assert.deepEqual(shown(await wary.send({ from: 'a@us.test', to: 'a@x.test', content: 'x' })), ['a@x.test deferred -'])
  await Promise.all([client.close(), wary.close()])
  await host.close()
})

test('misuse is thrown', async () => {
  const client = createClient({ host: '127.0.0.1', port: 1 })
  await assert.rejects(client.send({ from: 'a@us.test', to: [], content: '' }), TypeError)
  await assert.rejects(client.send({ from: 'nobody', to: 'a@x.test', content: '' }), TypeError)
  await assert.rejects(client.send({ from: 'a@us.test', to: 'a@x.test\r\nRSET', content: '' }), TypeError)
  assert.throws(() => createClient({ host: 'x', port: 0 }), TypeError)
  assert.deepEqual(shown(await client.send({ from: 'a@us.test', to: 'a@x.test', content: 'x' })), [
    'a@x.test deferred -',
  ])
  await client.close()
})
