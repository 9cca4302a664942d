import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseReport } from './report-parser.ts'

const bytes = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))

// In the shape that Postfix gives to a bounce; the words are ours.
const POSTFIX = `Return-Path: <>
Received: by mail.example.com (Postfix)
\tid 4ZxyzA1b2C; Thu, 13 Feb 2025 10:00:05 +0100 (CET)
Date: Thu, 13 Feb 2025 10:00:05 +0100 (CET)
From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: alice@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4ZxyzA9.1739437205/mail.example.com"
Content-Transfer-Encoding: 8bit
Message-Id: <20250213090005.4ZxyzA1b2C@mail.example.com>

This is a MIME-encapsulated message.

--4ZxyzA9.1739437205/mail.example.com
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

It did not work.

--4ZxyzA9.1739437205/mail.example.com
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
Original-Envelope-Id: QQ314159
X-Postfix-Queue-ID: 4ZxyzA9
X-Postfix-Sender: rfc822; alice@example.com
Arrival-Date: Thu, 13 Feb 2025 10:00:00 +0100 (CET)

Final-Recipient: rfc822; bob@example.net
Original-Recipient: rfc822;robert@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: Recipient address rejected:
    User unknown in virtual mailbox table

Final-Recipient: rfc822; carol@example.net
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.net[192.0.2.1]:25:
    Connection timed out
Will-Retry-Until: Tue, 18 Feb 2025 10:00:00 +0100 (CET)

--4ZxyzA9.1739437205/mail.example.com
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Subject: hello

body

--4ZxyzA9.1739437205/mail.example.com--
`

// In the shape that Exim gives to it.
const EXIM = `From: Mail Delivery System <Mailer-Daemon@exim.example.org>
To: alice@example.com
Content-Type: multipart/report; report-type=delivery-status; boundary=1739437205-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1739437205-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

Words.

--1739437205-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; exim.example.org

Action: failed
Final-Recipient: rfc822;bob@example.net
Status: 5.0.0
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 no such user

--1739437205-eximdsn-1804289383
Content-type: text/rfc822-headers

Return-path: <alice@example.com>
Subject: hello

--1739437205-eximdsn-1804289383--
`

test('a report of Postfix', () => {
  const report = parseReport(bytes(POSTFIX))
  assert.ok(report)
  assert.equal(report.envelopeId, 'QQ314159')
  assert.equal(report.reportingMta, 'mail.example.com')
  assert.equal(report.arrival, Date.UTC(2025, 1, 13, 9))
  assert.deepEqual(report.recipients, [
    {
      original: { type: 'rfc822', address: 'robert@example.org' },
      final: { type: 'rfc822', address: 'bob@example.net' },
      action: 'failed',
      status: '5.1.1',
      remoteMta: 'mx.example.net',
      diagnostic: {
        type: 'smtp',
        text: '550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table',
      },
      lastAttempt: undefined,
      retryUntil: undefined,
    },
    {
      original: undefined,
      final: { type: 'rfc822', address: 'carol@example.net' },
      action: 'delayed',
      status: '4.4.1',
      remoteMta: undefined,
      diagnostic: { type: 'x-postfix', text: 'connect to mx.example.net[192.0.2.1]:25: Connection timed out' },
      lastAttempt: undefined,
      retryUntil: Date.UTC(2025, 1, 18, 9),
    },
  ])
  assert.deepEqual(report.original, { is: 'whole', bytes: bytes('Subject: hello\n\nbody\n') })
})

test('a report of Exim', () => {
  const report = parseReport(bytes(EXIM))
  assert.equal(report?.recipients[0]?.final.address, 'bob@example.net')
  assert.equal(report.recipients[0].action, 'failed')
  assert.deepEqual(report.recipients[0].diagnostic, { type: 'smtp', text: '550 no such user' })
  assert.deepEqual(report.original, {
    is: 'header',
    bytes: bytes('Return-path: <alice@example.com>\nSubject: hello\n'),
  })
})

/** A report with nothing but its status part. */
function withStatus(status: string, header = 'Content-Type: message/delivery-status'): string {
  return `Content-Type: multipart/report; boundary=b\n\n--b\n\nwords\n--b\n${header}\n\n${status}\n--b--\n`
}

test('what reporters make of it', () => {
  const recipient = (fields: string, header?: string) =>
    parseReport(bytes(withStatus(`Reporting-MTA: dns; a\n\n${fields}\n`, header)))?.recipients[0]
  const cases: [fields: string, expected: object][] = [
    [
      'Final-Recipient: rfc822; <a@b.example>\nAction: Failed (bad)\nStatus: 5.7.1 (policy)',
      { action: 'failed', status: '5.7.1' },
    ],
    [
      'Final-Recipient: a@b.example\nAction: relayed',
      { final: { type: 'rfc822', address: 'a@b.example' }, status: '2.0.0' },
    ],
    [
      'Final-Recipient: utf-8; \\x{3B1}@b.example\nAction: failed',
      { final: { type: 'utf-8', address: 'α@b.example' } },
    ],
    ['Final-Recipient: utf-8; α@b.example\nAction: failed', { final: { type: 'utf-8', address: 'α@b.example' } }],
    ['final-recipient:rfc822;a@b.example\naction:DELAYED\nstatus:nonsense', { action: 'delayed', status: '4.0.0' }],
    [
      'Final-Recipient: rfc822; a@b.example\nFinal-Recipient: rfc822; c@d.example\nAction: failed',
      { final: { type: 'rfc822', address: 'a@b.example' } },
    ],
  ]
  for (const [fields, expected] of cases) {
    const found = recipient(fields)
    assert.deepEqual({ ...found, ...expected }, found, fields)
  }
  const global = 'Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: base64'
  const encoded = Buffer.from(
    'Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: utf-8; α@b.example\r\nAction: failed\r\n',
  ).toString('base64')
  assert.equal(parseReport(bytes(withStatus(encoded, global)))?.recipients[0]?.final.address, 'α@b.example')
})

test('a report within other multiparts is found, one within a message is not', () => {
  const inner = withStatus('Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n')
  const within = (type: string) =>
    `Content-Type: multipart/mixed; boundary=o\n\n--o\n\nfooter\n--o\n${type}${inner}\n--o--\n`
  assert.equal(parseReport(bytes(within('')))?.recipients.length, 1)
  assert.equal(parseReport(bytes(within('Content-Type: message/rfc822\n\n'))), undefined)
  let deep = inner
  for (let depth = 0; depth < 20; depth++)
    deep = `Content-Type: multipart/mixed; boundary=o${depth}\n\n--o${depth}\n${deep}\n--o${depth}--\n`
  assert.equal(parseReport(bytes(deep)), undefined)
})

test('what is no report', () => {
  const cases = [
    '',
    'Subject: a\n\nb',
    'Content-Type: multipart/report\n\n--b--',
    withStatus('Reporting-MTA: dns; a\n'),
    withStatus('Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.example\nAction: exploded\n'),
    withStatus('Reporting-MTA: dns; a\n\nAction: failed\n'),
    withStatus('Disposition: x', 'Content-Type: message/disposition-notification'),
  ]
  for (const text of cases) assert.equal(parseReport(bytes(text)), undefined, text)
})

test('recipients and texts are bounded', () => {
  const one = `Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 ${'x'.repeat(5000)}\n\n`
  const report = parseReport(
    bytes(
      withStatus(
        `Reporting-MTA: dns; a\n\n${one}${'Final-Recipient: rfc822; a@b.example\nAction: failed\n\n'.repeat(3000)}`,
      ),
    ),
  )
  assert.ok(report)
  assert.ok(report.recipients.length <= 1000)
  assert.ok((report.recipients[0]?.diagnostic?.text.length ?? 0) <= 2000)
})

test('a report with anything cut out of it or put into it is read or not, but never thrown at', () => {
  fc.assert(
    fc.property(fc.nat(POSTFIX.length), fc.nat(200), fc.string({ unit: 'binary' }), (at, length, junk) => {
      parseReport(bytes(POSTFIX.slice(0, at) + junk + POSTFIX.slice(at + length)))
    }),
  )
})
