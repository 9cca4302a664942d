import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from './reply.ts'
import { type Address, parseAddress } from './address.ts'
import type { Envelope, Notify, Recipient } from './envelope.ts'
import { fieldValue } from './header.ts'
import type { Action, Notice, ReportFacts } from './notice.ts'
import { buildReport, reportsDue, returnsContent } from './report.ts'
import { parseReport } from './report-parser.ts'
import { clean } from './report-text.ts'
import { hasNonAsciiHeader, needs, toSevenBit } from './seven-bit.ts'

const NOW = Date.UTC(2025, 1, 13, 10)
const HOUR = 3_600_000
const ORIGINAL = 'From: <alice@example.com>\r\nMessage-ID: <1@example.com>\r\nSubject: hello\r\n\r\nbody\r\n'

function address(text: string): Address {
  const parsed = parseAddress(text, { smtputf8: true })
  assert.ok(parsed)
  return parsed
}

const ENVELOPE: Envelope = {
  returnPath: address('alice@example.com'),
  body: '8BITMIME',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  holdUntil: undefined,
}

function recipient(text: string, over: Partial<Recipient> = {}): Recipient {
  return { address: address(text), notify: undefined, original: undefined, ...over }
}

function failed(over: Partial<Omit<Notice, 'action'>> = {}): Notice {
  return {
    action: 'failed',
    recipient: recipient('bob@example.net'),
    status: '5.1.1',
    reason: 'refused',
    reply: { code: 550, status: '5.1.1', text: ['No such user'] },
    remote: 'mx.example.net',
    lastAttempt: NOW - HOUR,
    ...over,
  }
}

function facts(over: Partial<ReportFacts> & { readonly text?: string } = {}): ReportFacts {
  return {
    random: Buffer.alloc(16, 7),
    hostname: 'mx1.example.org',
    now: NOW,
    arrival: NOW - 2 * HOUR,
    envelope: ENVELOPE,
    notices: [failed()],
    original: { is: 'whole', bytes: Buffer.from(over.text ?? ORIGINAL, 'latin1') },
    ...over,
  }
}

const textOf = (report: Uint8Array) => Buffer.from(report).toString()

test('whether a report is due', () => {
  const cases: [notify: readonly Notify[] | undefined, due: readonly Action[]][] = [
    [undefined, ['failed', 'delayed']],
    [[], []],
    [['FAILURE'], ['failed']],
    [['DELAY'], ['delayed']],
    [['SUCCESS'], ['delivered', 'relayed', 'expanded']],
    [
      ['SUCCESS', 'FAILURE', 'DELAY'],
      ['failed', 'delayed', 'delivered', 'relayed', 'expanded'],
    ],
  ]
  for (const [notify, due] of cases) {
    for (const action of ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const) {
      const to = recipient('bob@example.net', { notify })
      assert.equal(reportsDue(to, action, ENVELOPE.returnPath), due.includes(action), `${notify?.join()} ${action}`)
      assert.equal(reportsDue(to, action, '<>'), false)
    }
  }
})

test('whether the content is returned', () => {
  const delayed: Notice = { ...failed(), action: 'delayed', retryUntil: NOW }
  const cases: [ret: Envelope['ret'], notices: Notice[], size: number, returned: boolean][] = [
    ['FULL', [failed()], 1_000_000, true],
    ['FULL', [delayed], 100, false],
    ['FULL', [delayed, failed()], 100, true],
    ['FULL', [failed()], 100_000_000, false],
    ['HDRS', [failed()], 100, false],
    [undefined, [failed()], 50_000, true],
    [undefined, [failed()], 60_000, false],
    [undefined, [delayed], 100, false],
  ]
  for (const [ret, notices, size, returned] of cases) {
    assert.equal(returnsContent({ ...ENVELOPE, ret }, notices, size), returned, `${ret} ${size}`)
  }
})

test('a whole report', () => {
  const envelope: Envelope = { ...ENVELOPE, envid: 'QQ+314159' }
  const to = recipient('bob@example.net', { original: { type: 'rfc822', address: 'robert@example.org' } })
  const reply: Reply = { code: 550, status: '5.1.1', text: ['No such user', 'Ask the postmaster'] }
  assert.equal(
    textOf(buildReport(facts({ envelope, notices: [failed({ recipient: to, reply })] }))),
    `From: Mail Delivery System <MAILER-DAEMON@mx1.example.org>
To: alice@example.com
Subject: Your message was not delivered
Date: Thu, 13 Feb 2025 10:00:00 +0000
Message-ID: <07070707070707070707070707070707@mx1.example.org>
In-Reply-To: <1@example.com>
References: <1@example.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_report_07070707070707070707070707070707_0"

--=_report_07070707070707070707070707070707_0
Content-Type: text/plain; charset=us-ascii
Content-Description: Notification

This is the mail system of mx1.example.org, about the message
that it took from you on Thu, 13 Feb 2025 08:00:00 +0000.

Your message could not be delivered to the recipients named here.
It will not be tried again: if they are to have it, send it once more.

<bob@example.net>
    You wrote to <robert@example.org>.
    The host mx.example.net said:
        550-5.1.1 No such user
        550 5.1.1 Ask the postmaster

The next part of this report is for programs. Your message follows it.

--=_report_07070707070707070707070707070707_0
Content-Type: message/delivery-status
Content-Description: Delivery report

Original-Envelope-Id: QQ+314159
Reporting-MTA: dns; mx1.example.org
Arrival-Date: Thu, 13 Feb 2025 08:00:00 +0000

Original-Recipient: rfc822; robert@example.org
Final-Recipient: rfc822; bob@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550-5.1.1 No such user
 550 5.1.1 Ask the postmaster
Last-Attempt-Date: Thu, 13 Feb 2025 09:00:00 +0000

--=_report_07070707070707070707070707070707_0
Content-Type: message/rfc822
Content-Description: Original message

From: <alice@example.com>
Message-ID: <1@example.com>
Subject: hello

body

--=_report_07070707070707070707070707070707_0--
`.replaceAll('\n', '\r\n'),
  )
})

test('every kind says what happens next, and parses back', () => {
  const cases: [Notice, subject: string, words: RegExp][] = [
    [failed({ status: '4.4.7' }), 'Your message was not delivered', /not be tried again/],
    [
      { ...failed({ status: '4.4.1' }), action: 'delayed', retryUntil: NOW + 24 * HOUR },
      'Your message is delayed',
      /tried until Fri, 14 Feb 2025/,
    ],
    [{ ...failed({ status: '2.1.5' }), action: 'delivered' }, 'Your message was delivered', /was delivered/],
    [{ ...failed({ status: '2.0.0' }), action: 'relayed' }, 'Your message was passed on', /no reports of success/],
    [{ ...failed({ status: '2.1.5' }), action: 'expanded' }, 'Your message was delivered to a list', /members/],
  ]
  for (const [notice, subject, words] of cases) {
    const report = buildReport(facts({ notices: [notice] }))
    assert.equal(fieldValue(report, 'subject'), subject)
    assert.match(textOf(report), words)
    const parsed = parseReport(report)?.recipients[0]
    assert.equal(parsed?.action, notice.action)
    assert.equal(parsed.status, notice.status)
    assert.equal(parsed.lastAttempt, notice.lastAttempt)
    assert.equal(parsed.retryUntil, notice.action === 'delayed' ? notice.retryUntil : undefined)
  }
})

test('a status that does not fit the action is replaced', () => {
  const cases: [string, string][] = [
    ['2.0.0', '5.0.0'],
    ['', '5.0.0'],
    ['5.1.1\r\nX: y', '5.0.0'],
    ['4.4.7', '4.4.7'],
  ]
  for (const [status, expected] of cases) {
    assert.equal(parseReport(buildReport(facts({ notices: [failed({ status })] })))?.recipients[0]?.status, expected)
  }
})

test('without a reply, our own words', () => {
  const parsed = (reason: string) =>
    parseReport(buildReport(facts({ notices: [failed({ reply: undefined, reason, remote: undefined })] })))
      ?.recipients[0]
  assert.deepEqual(parsed('the name does not exist')?.diagnostic, {
    type: 'x-staffetta',
    text: 'the name does not exist',
  })
  assert.equal(parsed('')?.diagnostic, undefined)
  assert.equal(parsed('')?.remoteMta, undefined)
  const silent = buildReport(facts({ notices: [failed({ reply: undefined, reason: '\r\n', remote: ' ' })] }))
  assert.match(textOf(silent), /The reason is not known/)
  assert.doesNotMatch(textOf(silent), /Remote-MTA/)
})

test('what is returned of the original', () => {
  const header = 'Subject: a\r\n'
  const cases: [text: string, ret: Envelope['ret'], type: string, encoding: string | undefined, transport: string][] = [
    [`${header}\r\nbody`, undefined, 'message/rfc822', undefined, '7bit'],
    [`${header}\r\nb\xc3\xb6dy`, undefined, 'message/rfc822', '8bit', '8bit'],
    [`${header}\r\nbody`, 'HDRS', 'text/rfc822-headers', undefined, '7bit'],
    [`${header}\r\n${'x'.repeat(60_000)}`, undefined, 'text/rfc822-headers', undefined, '7bit'],
    [`${header}\r\n${'body\r\n'.repeat(20_000)}`, 'FULL', 'message/rfc822', undefined, '7bit'],
    [`${header}\r\nb\0dy`, 'FULL', 'text/rfc822-headers', undefined, '7bit'],
    [`${header}\r\n${'x'.repeat(1000)}`, 'FULL', 'text/rfc822-headers', undefined, '7bit'],
    ['Subject: \xc3\xa4\r\n\r\nbody', 'FULL', 'text/rfc822-headers', 'quoted-printable', '7bit'],
    [`Subject: ${'x'.repeat(1000)}\r\n\r\nbody`, 'FULL', 'text/rfc822-headers', 'quoted-printable', '7bit'],
  ]
  for (const [text, ret, type, encoding, transport] of cases) {
    const report = buildReport(facts({ text, envelope: { ...ENVELOPE, ret } }))
    const last = textOf(report).split('--=_report_').at(-2) ?? ''
    assert.match(last, new RegExp(`Content-Type: ${type}\r\n`), text.slice(0, 30))
    assert.equal(/Content-Transfer-Encoding: (.*)\r\n/.exec(last)?.[1], encoding)
    assert.equal(needs(report), transport)
    assert.equal(fieldValue(report, 'content-transfer-encoding'), transport === '7bit' ? undefined : transport)
    const returned = Buffer.from(
      text.slice(0, type === 'message/rfc822' ? text.length : text.indexOf('\r\n\r\n') + 2),
      'latin1',
    )
    assert.deepEqual(Buffer.from(parseReport(report)?.original?.bytes ?? []), returned)
  }
})

test('a header without its body is returned as such', () => {
  const report = buildReport(facts({ original: { is: 'header', bytes: Buffer.from('Subject: a\r\n\r\n') } }))
  assert.deepEqual(parseReport(report)?.original, { is: 'header', bytes: Buffer.from('Subject: a\r\n') })
})

test('internationalised mail (RFC 6533)', () => {
  const envelope: Envelope = { ...ENVELOPE, smtputf8: true, returnPath: address('älice@example.com') }
  const to = recipient('βob@example.net', { original: { type: 'utf-8', address: 'γob@example.org' } })
  const notices = [failed({ recipient: to })]
  const original = { is: 'whole', bytes: Buffer.from('Subject: ä\r\n\r\nbody\r\n') } as const
  const report = buildReport(facts({ envelope, notices, original }))
  assert.ok(hasNonAsciiHeader(report))
  assert.equal(needs(report), '8bit')
  assert.match(textOf(report), /Content-Type: message\/global-delivery-status\r\n/)
  assert.match(textOf(report), /Content-Type: message\/global\r\n/)
  assert.match(textOf(report), /Final-Recipient: utf-8; βob@example\.net\r\n/)
  const parsed = parseReport(report)
  assert.deepEqual(parsed?.recipients[0]?.final, { type: 'utf-8', address: 'βob@example.net' })
  assert.deepEqual(parsed.recipients[0].original, { type: 'utf-8', address: 'γob@example.org' })
  assert.deepEqual(parsed.original, original)
  const headers = buildReport(facts({ envelope: { ...envelope, ret: 'HDRS' }, notices, original }))
  assert.match(textOf(headers), /Content-Type: message\/global-headers\r\n/)
})

test('an internationalised recipient in a report to a sender who speaks ASCII', () => {
  const report = buildReport(facts({ notices: [failed({ recipient: recipient('βob@example.net') })] }))
  assert.equal(needs(report), '7bit')
  assert.match(textOf(report), /Final-Recipient: utf-8; \\x\{3B2\}ob@example\.net\r\n/)
  assert.equal(parseReport(report)?.recipients[0]?.final.address, 'βob@example.net')
})

test('an internationalised report to an ASCII sender can go to a 7-bit host', () => {
  const envelope: Envelope = { ...ENVELOPE, smtputf8: true }
  const notices = [failed({ recipient: recipient('βob@example.net') })]
  const report = toSevenBit(buildReport(facts({ envelope, notices })))
  assert.ok(report)
  assert.equal(needs(report), '7bit')
  assert.equal(parseReport(report)?.recipients[0]?.final.address, 'βob@example.net')
})

test('the boundary is in no part, whatever they hold', () => {
  const boundary = '=_report_07070707070707070707070707070707_0'
  const report = buildReport(facts({ text: `Subject: a\r\n\r\n--${boundary}--\r\n--${boundary.slice(0, -1)}1\r\n` }))
  assert.match(fieldValue(report, 'content-type') ?? '', /07_2"$/)
  assert.equal(parseReport(report)?.original?.is, 'whole')
})

test('nobody to tell is our own mistake', () => {
  assert.throws(() => buildReport(facts({ envelope: { ...ENVELOPE, returnPath: '<>' } })))
  assert.throws(() => buildReport(facts({ notices: [] })))
  assert.throws(() => buildReport(facts({ random: Buffer.alloc(4) })))
})

test('one clean line', () => {
  const cases: [text: string, max: number, charset: 'ascii' | 'utf-8', line: string][] = [
    ['a\r\nb\tc\0', 100, 'ascii', 'a b c'],
    ['ä\u2028ö\u202e', 100, 'utf-8', 'ä ö'],
    ['ä😀', 100, 'ascii', '??'],
    ['x'.repeat(20), 10, 'ascii', 'xxxxxxx...'],
    ['ä'.repeat(20), 10, 'utf-8', 'äää...'],
    ['x'.repeat(10), 10, 'ascii', 'xxxxxxxxxx'],
  ]
  for (const [text, max, charset, line] of cases) assert.equal(clean(text, max, charset), line)
})

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3000, size: 'max' }),
  fc
    .array(fc.constantFrom('\r\n', '\n', '\r', 'Action: delivered', '--=_report_', '\0', 'ä', '\u2028', ' '), {
      maxLength: 100,
    })
    .map(all => all.join('')),
)

test('hostile peers add no line, no field and no part', () => {
  fc.assert(
    fc.property(
      fc.array(hostile, { minLength: 1, maxLength: 40 }),
      hostile,
      hostile,
      hostile,
      fc.boolean(),
      (text, reason, remote, envid, smtputf8) => {
        const to = recipient('bob@example.net', { original: { type: remote, address: reason } })
        const notices = [
          failed({ recipient: to, reply: { code: 550, status: undefined, text }, remote }),
          failed({ reply: undefined, reason, remote: undefined, status: envid }),
        ]
        const report = buildReport(facts({ notices, envelope: { ...ENVELOPE, envid, smtputf8 } }))
        assert.notEqual(needs(report), 'binary')
        assert.equal(hasNonAsciiHeader(report), false)
        const parsed = parseReport(report)
        assert.deepEqual(
          parsed?.recipients.map(({ final, action }) => [final.address, action]),
          [
            ['bob@example.net', 'failed'],
            ['bob@example.net', 'failed'],
          ],
        )
        assert.deepEqual(Buffer.from(parsed?.original?.bytes ?? []), Buffer.from(ORIGINAL))
      },
    ),
  )
})
