import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAddress } from './address.ts'
import { parseDate } from './date.ts'
import { countFields, fieldValue, headerEnd } from './header.ts'
import { formatReceived, type Protocol, protocolName, type Received } from './received.ts'

const received: Received = {
  from: { helo: 'mail.example.com', address: '192.0.2.1', name: 'out.example.com' },
  by: 'mx1.example.org',
  with: 'ESMTPS',
  id: '4BqN2x1z',
  for: parseAddress('bob@example.org', { smtputf8: false }),
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  date: Date.UTC(2025, 1, 13, 10, 0, 5),
}

void test('formatReceived', () => {
  assert.equal(
    formatReceived(received),
    [
      'Received: from mail.example.com (out.example.com [192.0.2.1])',
      '\tby mx1.example.org with ESMTPS id 4BqN2x1z for <bob@example.org>',
      '\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3); Thu, 13 Feb 2025 10:00:05 +0000',
      '',
    ].join('\r\n'),
  )
  assert.equal(
    formatReceived({ from: { helo: 'app', address: '' }, by: 'b', with: 'LMTP', id: '1', date: received.date }),
    'Received: from app by b with LMTP id 1; Thu, 13 Feb 2025 10:00:05 +0000\r\n',
  )
})

void test('what the client says of itself is one harmless word', () => {
  const cases: readonly (readonly [Received['from'], string])[] = [
    [{ helo: 'WIN_PC', address: '2001:DB8::1' }, 'from WIN_PC ([IPv6:2001:db8::1])'],
    [{ helo: '[192.0.2.9]', address: '192.0.2.1' }, 'from [192.0.2.9] ([192.0.2.1])'],
    [{ helo: 'bücher.example', address: 'fe80::1%eth0' }, 'from xn--bcher-kva.example ([IPv6:fe80::1])'],
    [{ helo: '', address: '192.0.2.1' }, 'from unknown ([192.0.2.1])'],
    [{ helo: 'a (b) by c', address: '192.0.2.1' }, 'from a??b??by?c ([192.0.2.1])'],
    [{ helo: 'a\r\nX: y', address: '' }, 'from a??X??y'],
    [{ helo: 'a', address: '192.0.2.1', name: '[10.0.0.1]) (x' }, 'from a (?10.0.0.1????x [192.0.2.1])'],
  ]
  for (const [from, expected] of cases) {
    const value = fieldValue(Buffer.from(formatReceived({ ...received, from })), 'received') ?? ''
    assert.equal(value.slice(0, value.indexOf('by mx1.example.org')).trim(), expected)
  }
})

void test('protocolName', () => {
  const cases: readonly (readonly ['HELO' | 'EHLO' | 'LHLO', string, Protocol])[] = [
    ['HELO', '', 'SMTP'],
    ['HELO', 'tls', 'SMTP'],
    ['EHLO', '', 'ESMTP'],
    ['EHLO', 'tls', 'ESMTPS'],
    ['EHLO', 'login', 'ESMTPA'],
    ['EHLO', 'tls login', 'ESMTPSA'],
    ['EHLO', 'utf8', 'UTF8SMTP'],
    ['EHLO', 'utf8 tls login', 'UTF8SMTPSA'],
    ['LHLO', 'tls', 'LMTPS'],
    ['LHLO', 'utf8 login', 'UTF8LMTPA'],
  ]
  for (const [greeting, having, expected] of cases) {
    const session = {
      greeting,
      tls: having.includes('tls'),
      authenticated: having.includes('login'),
      smtputf8: having.includes('utf8'),
    }
    assert.equal(protocolName(session), expected)
  }
})

void test('property: always one field of short lines, whatever the client says', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.stringMatching(/^[a-z0-9.\r\n\t ()[\];<>-]{0,60}$/),
  )
  const name = fc.option(hostile, { nil: undefined })
  fc.assert(
    fc.property(hostile, hostile, name, fc.boolean(), (helo, address, name, short) => {
      const { from: _from, tls: _tls, for: _for, ...rest } = received
      const text = formatReceived({ ...(short ? rest : received), from: { helo, address, name } })
      const bytes = Buffer.from(`${text}\r\n`)
      assert.equal(countFields(bytes, 'received'), 1)
      assert.equal(headerEnd(bytes), text.length + 2)
      const lines = text.split('\r\n')
      assert.equal(lines.pop(), '')
      assert.match(lines.join('\n'), /^Received:[\x21-\x7e \t]*(\n\t[\x21-\x7e ]+)*$/)
      for (const line of lines.filter(line => !line.startsWith('\t('))) assert.ok(line.length < 78, line)
      assert.equal(parseDate(text.slice(text.lastIndexOf(';') + 1)), received.date)
      assert.equal(text.split('(').length, text.split(')').length)
    }),
    { numRuns: 1000 },
  )
})
